"""Texture channels and relevance masks, against values worked out by hand."""

import math

import pytest
import torch

from trainer.data.textures import CHANNELS, coverage, fine_texture, texture
from trainer.model.arr_coc import Perspectival, Propositional, TensionBalancer


def channel(textures, name):
    return textures[0, CHANNELS.index(name)]


def test_a_red_image():
    image = torch.zeros(1, 3, 20, 20)
    image[:, 0] = 1
    found = texture(image, 4)
    expected = {
        "red": 1, "green": 0, "blue": 0, "luminance": 0.299, "red_green": 1,
        "gradient_x": 0, "gradient_y": 0, "edge": 0, "blue_yellow": 0.75, "contrast": 0,
    }  # fmt: skip
    for name, value in expected.items():
        assert channel(found, name).flatten().tolist() == pytest.approx([value] * 16, abs=1e-3)


def test_position_channels():
    found = texture(torch.zeros(1, 3, 10, 10), 5)
    assert channel(found, "y")[:, 0].tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert channel(found, "x")[0].tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert channel(found, "eccentricity")[2, 2] == 0
    torch.testing.assert_close(channel(found, "eccentricity")[0, 0], torch.tensor(1.0))


def test_an_edge_is_where_the_image_changes():
    image = torch.zeros(1, 3, 20, 20)
    image[..., 10:] = 1
    edge = channel(texture(image, 4), "edge")
    assert edge[:, 1:3].min() > 0.99
    assert edge[:, [0, 3]].max() < 0.01


def test_every_channel_is_within_zero_and_one():
    noise = torch.rand(2, 3, 75, 75, generator=torch.Generator().manual_seed(0))
    found = texture(noise, 15)
    assert found.shape == (2, 13, 15, 15)
    assert found.min() >= 0
    assert found.max() <= 1


def test_an_image_does_not_depend_on_its_neighbours():
    images = torch.rand(3, 3, 30, 30, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(texture(images, 6)[1:2], texture(images[1:2], 6), rtol=0, atol=1e-6)


def test_the_fine_channels_of_a_patch_are_its_own():
    images = torch.rand(1, 3, 30, 30, generator=torch.Generator().manual_seed(0))
    other = images.clone()
    other[:, :, :5, 5:10] = 0
    same = (fine_texture(images, 6) == fine_texture(other, 6)).all(1)[0]
    assert same.flatten().logical_not().nonzero().flatten().tolist() == [1]


def test_coverage_is_the_covered_fraction():
    boxes = torch.tensor([[0.0, 0.0, 5.0, 10.0], [7.5, 7.5, 10.0, 10.0]])
    found = coverage(boxes, (10, 10), 2)
    assert found.tolist() == [[1, 0, 1, 0], [0, 0, 0, 0.25]]


def test_entropy_of_flat_channels_is_one():
    flat = torch.full((1, 1, 13), 0.3)
    assert Propositional()(flat).item() == pytest.approx(1, abs=1e-6)


def test_entropy_matches_the_formula():
    values = torch.linspace(0, 1, 13)
    weight = torch.softmax(6 * values, 0)
    expected = -(weight * weight.log()).sum() / math.log(13)
    torch.testing.assert_close(Propositional()(values[None, None])[0, 0], expected)


def test_perspectival_starts_as_the_edge_channel():
    found = torch.rand(1, 5, 13, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(Perspectival()(found), found[..., CHANNELS.index("edge")])


def test_opponent_processing_matches_the_formula():
    p, v = torch.tensor([[[0.2, 0.4]]]), torch.tensor([[[0.6, 0.1]]])
    a, raw = torch.tensor([[[0.9, 0.3]]]), torch.tensor([[[0.5, 0.7]]])
    balancer = TensionBalancer(8)
    with torch.no_grad():
        balancer.theta.copy_(torch.logit(torch.tensor([0.25, 0.75, 0.5])))
    compress = 0.25 * p + 0.75 * a
    exploit = 0.75 * v + 0.25 * (1 - v)
    focus = 0.5 * raw + 0.5 * 0.6
    expected = 0.4 * compress + 0.3 * exploit + 0.3 * focus
    torch.testing.assert_close(balancer.resolve(p, v, a, raw), expected)
