"""Relevance validation: every check by itself, the silenced scorer, and what evaluation writes."""

import json
import shutil

import pytest
import torch

from trainer import evaluate
from trainer.data.dataset import Batch, load_textures
from trainer.errors import TrainerError
from trainer.evaluate import Sums, ablation_drop, failed_checks, silenced
from trainer.export import load_model
from trainer.model.arr_coc import ArrCoc, Output, Sizes
from trainer.settings import EvaluateSettings, ModelSettings
from trainer.storage import read_json

GOOD = {
    "recall_at_k": 0.9, "query_distinctness": 0.3, "lambda_1": 0.5, "lambda_2": 0.6, "lambda_3": 0.7,
    "budget_std": 40.0, "ablation_drop": 0.2, "budget_most": 4000, "accuracy": 0.9,
}  # fmt: skip
SETTINGS = EvaluateSettings(model="m", textures="t")


def test_a_good_selection_is_valid():
    assert failed_checks(GOOD, SETTINGS, total=4000) == []


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("recall_at_k", 0.79, "recall_at_k is 0.7900, less than 0.8"),
        ("query_distinctness", 0.01, "query_distinctness is 0.0100, less than 0.05"),
        ("lambda_2", 0.99, "lambda_2 is 0.9900, outside (0.02, 0.98)"),
        ("budget_std", 0.0, "budget_std is 0.0000, not above 0"),
        ("ablation_drop", -0.01, "ablation_drop is -0.0100, not above 0"),
        ("budget_most", 4001, "a question has 4001 tokens, more than 4000"),
        ("accuracy", float("nan"), "accuracy is nan"),
    ],
)
def test_a_check_that_fails_is_one_line(name, value, line):
    assert failed_checks(GOOD | {name: value}, SETTINGS, total=4000) == [line]


def test_nan_fails_the_check_that_needs_it():
    failed = failed_checks(GOOD | {"recall_at_k": float("nan")}, SETTINGS, total=4000)
    assert failed == ["recall_at_k is nan, less than 0.8", "recall_at_k is nan"]


def test_thresholds_are_settings():
    settings = EvaluateSettings(model="m", textures="t", least_recall=0.95)
    assert failed_checks(GOOD, settings, total=4000) == ["recall_at_k is 0.9000, less than 0.95"]


def network(ablate="none"):
    torch.manual_seed(0)
    settings = ModelSettings(width=16, heads=2, keep=9, budget_total=2000, ablate=ablate)
    return ArrCoc(settings, Sizes(grid=6, words=9, answers=4)).eval()


def test_a_silenced_scorer_is_that_of_the_ablation_and_comes_back():
    given = (
        torch.rand(2, 23, 6, 6),
        torch.tensor([[1, 2, 0], [3, 4, 5]]),
        torch.tensor([[0, 1], [1, 0]]),
    )
    model, ablated = network(), network("participatory")
    before = model(*given)
    with silenced(model, "participatory"):
        assert torch.equal(model(*given).relevance, ablated(*given).relevance)
        assert not torch.equal(model(*given).relevance, before.relevance)
    assert torch.equal(model(*given).relevance, before.relevance)


def test_silencing_what_is_silent_already_costs_nothing(textures):
    data = load_textures(textures, torch.device("cpu"))
    sizes = Sizes(data.grid, len(data.words), len(data.answers))
    torch.manual_seed(0)
    model = ArrCoc(ModelSettings(ablate="participatory"), sizes)
    assert model.eval() is model
    found = evaluate.measure(model, data.held_out, 8)["accuracy"]
    assert ablation_drop(model, data.held_out, 8, found) == 0


def test_recall_is_of_what_fits_and_only_kept_patches_count_for_the_ratio():
    """One question, four patches, two kept: three are relevant, one of the kept ones is not."""
    kept = torch.tensor([[[True, False, True, False]]])
    budgets = torch.tensor([[[300.0, 0, 100, 0]]])
    output = Output(None, torch.rand(1, 1, 4), budgets, kept)
    batch = Batch(
        torch.zeros(1, 13, 2, 2), torch.zeros(1, 1), torch.zeros(1, 1), torch.zeros(1, 1),
        relevance=torch.tensor([[[1.0, 0.5, 0.0, 0.3]]]), relational=torch.zeros(1, 1).bool(),
    )  # fmt: skip
    sums = Sums()
    sums.add(output, batch)
    found = sums.metrics()
    assert found["recall_at_k"] == 0.5
    assert found["budget_on_target_ratio"] == 300 / 200
    assert (found["budget_mean"], found["budget_total"], found["budget_most"]) == (200, 400, 400)
    assert (found["level_0"], found["level_2"], found["level_1"]) == (0.5, 0.5, 0)
    assert (found["tier_256"], found["tier_100"], found["tier_400"]) == (0.5, 0.5, 0)


def test_evaluation_says_whether_the_relevance_is_valid(finished, textures, tmp_path, capsys):
    given = [f"--model={finished / 'model'}", f"--textures={textures}", f"--output={tmp_path}"]
    assert evaluate.main(given) == 0
    metrics = json.loads((tmp_path / "model" / "metrics.json").read_text())["metrics"]
    failed = failed_checks(metrics, SETTINGS, load_model(finished / "model")[0].total)
    assert failed  # so short a training leaves no valid relevance
    assert metrics["relevance_valid"] == 0
    assert capsys.readouterr().out.startswith(f"relevance check failed: {failed[0]}\n")
    lenient = ["--least_recall=0", "--least_distinctness=0"]
    assert evaluate.main([*given, *lenient]) == 0
    metrics = json.loads((tmp_path / "model" / "metrics.json").read_text())["metrics"]
    assert metrics["relevance_valid"] == (metrics["ablation_drop"] > 0)


@pytest.mark.parametrize("name", ["grid", "coarse", "words", "answers"])
def test_textures_that_mean_something_else_are_refused(finished, textures, tmp_path, name):
    shutil.copytree(textures, tmp_path / "other")
    document = read_json(tmp_path / "other" / "textures.json")
    value = document[name]
    document[name] = [*value[:-1], "else"] if isinstance(value, list) else value - 1
    (tmp_path / "other" / "textures.json").write_text(json.dumps(document))
    given = [f"--model={finished / 'model'}", f"--textures={tmp_path}/other"]
    with pytest.raises(TrainerError, match=f"trained on textures with other '{name}' than these"):
        evaluate.main([*given, f"--output={tmp_path}"])
