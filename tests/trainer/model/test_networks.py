"""The networks that ARR-COC is compared with: trained, resumed, checked and measured the same way."""

import json
import shutil

import pytest
import torch
from torch.func import functional_call, stack_module_state

from trainer import evaluate, train
from trainer.checkpoint import checkpoint as validate
from trainer.checkpoint.checkpoint import checkpoints
from trainer.config import check
from trainer.errors import UsageError
from trainer.model.arr_coc import Sizes
from trainer.model.baselines import NETWORKS, Pairs, build
from trainer.settings import ModelSettings

GROUPS = {
    "arr_coc": [
        "propositional", "perspectival", "participatory", "tension_balancer", "encoder", "head",
    ],
    "attention": ["encoder", "looks", "head"],
    "relation": ["encoder", "relation", "head"],
}  # fmt: skip
SIZES = Sizes(grid=6, words=9, answers=4)
TOKENS, QUESTION = torch.tensor([[1, 2, 0], [3, 4, 5]]), torch.tensor([[0, 1], [1, 0]])


def small(network, seed=0):
    torch.manual_seed(seed)
    settings = ModelSettings(network=network, width=16, heads=2, keep=9, budget_total=2000)
    return build(settings, SIZES).eval()


def random_textures():
    return torch.rand(2, 23, 6, 6, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("network", NETWORKS)
def test_the_state_groups_are_those_of_the_network(network):
    assert [name for name, _ in small(network).named_children()] == GROUPS[network]


@pytest.mark.parametrize("network", NETWORKS)
def test_networks_can_be_stacked(network):
    """Packed trials need the forward pass under vmap: equal to one network after the other."""
    models = [small(network, seed) for seed in range(3)]
    given = (random_textures(), TOKENS, QUESTION)

    def call(parameters, buffers):
        return functional_call(models[0], (parameters, buffers), given).logits

    packed = torch.func.vmap(call)(*stack_module_state(models))
    alone = torch.stack([model(*given).logits for model in models])
    torch.testing.assert_close(packed, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("network", ["attention", "relation"])
def test_every_patch_reaches_the_answer_of_a_network_without_selection(network):
    textures = random_textures().requires_grad_()
    torch.autograd.backward(small(network)(textures, TOKENS, QUESTION).logits.square().sum())
    assert (textures.grad.abs().sum((0, 1)) > 0).all()


def test_the_control_has_about_the_parameters_of_arr_coc():
    sizes = Sizes(grid=15, words=27, answers=10)
    count = {
        name: sum(p.numel() for p in build(ModelSettings(network=name), sizes).parameters())
        for name in ("arr_coc", "attention")
    }
    assert count["attention"] == pytest.approx(count["arr_coc"], rel=0.1)


def test_pairs_are_the_sum_of_g_over_all_pairs():
    """Against the definition: g of the concatenated pair and question, pair by pair."""
    torch.manual_seed(0)
    pairs = Pairs(8)
    objects, query = torch.randn(1, 3, 10), torch.randn(1, 2, 8)
    weight = torch.cat([pairs.first.weight, pairs.second.weight, pairs.query.weight], dim=1)
    expected = torch.zeros(2, weight.shape[0])
    for asked in range(2):
        for one in objects[0]:
            for other in objects[0]:
                joined = torch.cat([one, other, query[0, asked]])
                expected[asked] += pairs.rest(weight @ joined + pairs.first.bias)
    torch.testing.assert_close(pairs(objects, query)[0], expected, rtol=1e-4, atol=1e-4)


def test_the_relational_network_does_not_mind_the_order_of_objects():
    torch.manual_seed(0)
    pairs, objects, query = Pairs(8), torch.randn(2, 5, 10), torch.randn(2, 3, 8)
    torch.testing.assert_close(
        pairs(objects[:, torch.randperm(5)], query), pairs(objects, query), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("network", ["attention", "relation"])
def test_a_network_without_selection_has_no_stage_relevance(network):
    with pytest.raises(UsageError, match=f"network={network} selects nothing"):
        check("trainer", {"textures": "t", "stage": "relevance", "network": network})


@pytest.fixture(scope="module", params=["attention", "relation"])
def trained(request, arguments, tmp_path_factory):
    """Name and base directory of a finished run."""
    base = tmp_path_factory.mktemp(request.param)
    assert train.main([*arguments, f"--network={request.param}", f"--output={base}"]) == 0
    return request.param, base


def test_it_resumes_exactly(trained, arguments, losses, tmp_path):
    network, base = trained
    shutil.copytree(base, tmp_path / "run")
    shutil.rmtree(checkpoints(tmp_path / "run" / "checkpoints")[-1])
    again = [*arguments, f"--network={network}", f"--output={tmp_path / 'run'}"]
    assert train.main(again) == 0
    assert losses(tmp_path / "run") == losses(base)
    weights = [
        (root / "model" / "model.safetensors").read_bytes() for root in (base, tmp_path / "run")
    ]
    assert weights[0] == weights[1]


def test_its_own_groups_are_checked(trained, capsys):
    network, base = trained
    root = str(base / "checkpoints")
    assert validate.main([root]) == 0
    assert validate.main([root, f"--require={','.join(GROUPS[network])}"]) == 0
    capsys.readouterr()
    assert validate.main([root, "--require=encoder,participatory"]) == 1
    assert capsys.readouterr().out == "state 'participatory' is missing\n"


def test_only_what_makes_sense_is_measured(trained, textures, tmp_path):
    _, base = trained
    given = [f"--model={base / 'model'}", f"--textures={textures}", f"--output={tmp_path}"]
    assert evaluate.main(given) == 0
    metrics = json.loads((tmp_path / "model" / "metrics.json").read_text())["metrics"]
    assert {"accuracy", "baseline_accuracy", "milliseconds_per_image"} <= set(metrics)
    prefixes = ("recall", "kept", "budget", "level", "tier", "lambda", "relevance", "query", "abl")
    assert not [name for name in metrics if name.startswith(prefixes)]
