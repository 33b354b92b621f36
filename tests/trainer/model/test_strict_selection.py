"""Dropped patches cannot influence an answer, from pixels to logits, bit for bit."""

import pytest
import torch

from trainer.data.textures import (
    ALL_CHANNELS,
    CHANNELS,
    FINE,
    all_textures,
    coarse_image,
    patches_of,
)
from trainer.model.arr_coc import ArrCoc, Sizes
from trainer.settings import ModelSettings

GRID, SIDE, QUESTIONS = 15, 75, 3
TOKENS, QUESTION = torch.tensor([[1, 2, 0], [3, 4, 5], [2, 6, 1]]), torch.arange(3)[None]


def image(seed):
    """Random whole colours in [0, 1], [1, 3, 75, 75]."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (1, 3, SIDE, SIDE), generator=generator).float() / 255


def network(coarse, seed=0, **settings):
    """Fresh weights, calibrated on another image; every patch token is far from that of its coarse map."""
    torch.manual_seed(seed)
    chosen = ModelSettings(width=16, heads=2, keep=13, budget_total=3000, **settings)
    model = ArrCoc(chosen, Sizes(GRID, words=9, answers=4)).eval()
    model.encoder.calibrate(torch.cat([all_textures(image(9), GRID, coarse)] * 2))
    return model


def shuffled(pixels, chosen):
    """The pixels of the chosen patches bool [N] in another order, those of the others as they are."""
    generator = torch.Generator().manual_seed(1)
    patches = patches_of(pixels, GRID).flatten(2)
    moved = patches[..., torch.randperm(patches.shape[-1], generator=generator)]
    patches = torch.where(chosen[:, None, None], moved, patches)
    side = SIDE // GRID
    cut = patches.view(GRID, GRID, 3, side, side).permute(2, 0, 3, 1, 4)
    return cut.reshape(pixels.shape)


def answer(model, pixels, coarse):
    with torch.no_grad():
        return model(all_textures(pixels, GRID, coarse), TOKENS, QUESTION)


@pytest.mark.parametrize("coarse", [15, 5])
@pytest.mark.parametrize("seed", range(5))
def test_dropped_patches_change_no_bit_of_an_answer(coarse, seed):
    model, pixels = network(coarse, seed), image(seed)
    before = answer(model, pixels, coarse)
    for asked in range(QUESTIONS):
        other = shuffled(pixels, ~before.kept[0, asked])
        assert torch.equal(coarse_image(other, coarse), coarse_image(pixels, coarse))
        assert (other != pixels).any(1).float().mean() > 0.85
        after = answer(model, other, coarse)
        assert torch.equal(after.kept, before.kept)
        assert torch.equal(after.logits[0, asked], before.logits[0, asked])


@pytest.mark.parametrize("seed", range(3))
def test_fine_channels_of_dropped_patches_may_be_anything(seed):
    """Shuffled pixels keep their mean and contrast; these channels keep nothing."""
    model, textures = network(15, seed), all_textures(image(seed), GRID, 15)
    with torch.no_grad():
        before = model(textures, TOKENS, QUESTION)
    for asked in range(QUESTIONS):
        other = textures.clone()
        dropped = ~before.kept[0, asked].view(GRID, GRID)
        other[0, len(CHANNELS) :, dropped] = 9 * torch.randn(len(FINE), int(dropped.sum()))
        with torch.no_grad():
            after = model(other, TOKENS, QUESTION)
        assert torch.equal(after.kept, before.kept)
        assert torch.equal(after.logits[0, asked], before.logits[0, asked])


def test_kept_patches_change_the_answer():
    model, pixels = network(15), image(0)
    before = answer(model, pixels, 15)
    after = answer(model, shuffled(pixels, before.kept[0, 0]), 15)
    assert not torch.equal(after.logits[0, 0], before.logits[0, 0])


def test_no_gradient_reaches_the_fine_channels_of_a_dropped_patch():
    model = network(15)
    textures = all_textures(image(0), GRID, 15).requires_grad_()
    found = model(textures, TOKENS, QUESTION)
    torch.autograd.backward(found.logits[0, 0].square().sum())
    fine = textures.grad[0, 13:].abs().sum(0).flatten()
    assert len(textures.grad[0]) == len(ALL_CHANNELS)
    assert torch.equal(fine > 0, found.kept[0, 0])
