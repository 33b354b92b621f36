"""A sweep or a gate that waits for the metrics of a program whose files never speak of any."""

from __future__ import annotations

import pytest

from dagfactory.compiler.compile import compile_spec

HEAD = """\
pipeline: p
defaults:
  image: us-docker.pkg.dev/vertex-ai/training/pytorch-gpu.2-4.py310:latest
  machine: {type: n1-standard-8}
tasks:
"""
SWEEP = """\
  search:
    type: sweep
    script: fit.py
    metric: {name: accuracy, goal: maximize}
    parameters: {lr: {values: [0.1, 0.01]}}
"""
GATE = """\
  train: {type: train, script: fit.py}
  good: {type: gate, metrics: "${tasks.train.metrics}", when: accuracy > 0.5, then: go}
  go: {type: empty}
"""
TWO = """\
  train: {type: train, script: fit.py}
  good:
    type: gate
    metrics: {new: "${tasks.train.metrics}", old: {model: m, default: {accuracy: 0}}}
    when: new.accuracy > old.accuracy
    then: go
  go: {type: empty}
"""
PACKAGE = SWEEP.replace("script: fit.py", "package: ./src\n    module: fit")


@pytest.fixture
def found(tmp_path):
    def found(tasks, program, beside=""):
        (tmp_path / "specs/environments").mkdir(parents=True, exist_ok=True)
        fields = "project: demo-dev\nregion: us-central1\nbucket: gs://demo-dev\n"
        (tmp_path / "specs/environments/dev.yaml").write_text(f"environment: dev\n{fields}")
        (tmp_path / "specs/p.yaml").write_text(HEAD + tasks)
        for folder in (tmp_path, tmp_path / "src"):
            folder.mkdir(exist_ok=True)
            (folder / "fit.py").write_text(program)
            (folder / "beside.py").write_text(beside)
        every = compile_spec(tmp_path / "specs/p.yaml", "dev").diagnostics
        return [each for each in every if each.code in {"DF204", "DF368"}]

    return found


@pytest.mark.parametrize("tasks", [SWEEP, GATE, TWO, PACKAGE])
@pytest.mark.parametrize(
    "program", ["print('accuracy 0.9')\n", "from sklearn import metrics\n", "import beside\n"]
)
def test_nothing_writes_them(found, tasks, program):
    (each,) = found(tasks, program)
    named = "the package" if tasks == PACKAGE else "`fit.py`"
    assert each.message == f"nothing in {named} writes metrics"
    assert each.severity == "warning"


def test_a_gate_on_the_best_trial(found):
    gate = 'good: {type: gate, metrics: "${tasks.search.metrics}", when: accuracy > 0.5, then: go}'
    assert found(f"{SWEEP}  {gate}\n  go: {{type: empty}}\n", "# metrics.json\n") == []


@pytest.mark.parametrize("tasks", [SWEEP, GATE, TWO, PACKAGE])
@pytest.mark.parametrize(
    "words",
    [
        "contract.write_metrics({'accuracy': 1}, 1)",
        "open(folder + '/metrics.json', 'w')",
        "from hypertune import HyperTune",
        "os.environ['CLOUD_ML_HP_METRIC_FILE']",
    ],
)
def test_something_does(found, tasks, words):
    assert found(tasks, f"# {words}\n") == []
    assert found(tasks, "import beside\n", beside=f"# {words}\n") == []


def test_the_file_is_named_by_an_argument(found):
    given = SWEEP + '    args: {out: "${run.dir}/x/metrics.json"}\n'
    assert found(given, "import sys\n") == []


@pytest.mark.parametrize(
    "tasks",
    [
        SWEEP.replace("script: fit.py", "module: trainer"),
        SWEEP.replace("script: fit.py", "command: [python, fit.py]"),
        GATE.replace('"${tasks.train.metrics}"', "gs://b/metrics.json"),
    ],
)
def test_what_is_not_known_is_not_judged(found, tasks):
    assert found(tasks, "print()\n") == []
