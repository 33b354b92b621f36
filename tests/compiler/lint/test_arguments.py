"""The trainer's arguments: found exactly when the trainer itself would refuse them."""

import sys

import processes
import pytest
from paths import ROOT

from dagfactory.compiler.compile import compile_spec
from dagfactory.runtime.arguments import as_arguments
from trainer.config import check, read_values
from trainer.errors import UsageError

ENVIRONMENT = "environment: dev\nproject: demo-dev\nregion: us-central1\nbucket: gs://demo-dev\n"
CASES = [
    ("trainer", {"textures": "sort-of-clevr"}),
    ("trainer", {"textures": "sort-of-clevr", "epochs": 3, "learning_rate": 1e-3}),
    ("trainer", {"textures": "x", "from": "gs://b/m", "device": "cpu", "limit": None}),
    ("trainer", {"textures": "x", "epochs": "3"}),
    ("trainer", {"textures": "x", "epochs": 3.0}),
    ("trainer", {"textures": "x", "epochs": 3.5}),
    ("trainer", {"textures": "x", "epochs": True}),
    ("trainer", {"textures": "x", "epochs": [1]}),
    ("trainer", {"textures": "x", "learning_rate": 0}),
    ("trainer", {"textures": "x", "learning_rate": "fast"}),
    ("trainer", {"textures": ""}),
    ("trainer", {"textures": "x", "width": 50}),
    ("trainer", {"textures": "x", "stage": "texture"}),
    ("trainer", {"textures": "x", "learing_rate": 1}),
    ("trainer", {"stage": "textures", "input": "x"}),
    ("trainer", {"stage": "textures", "textures": "x"}),
    ("trainer", {}),
    ("trainer.data", {}),
    ("trainer.data", {"images": -1}),
    ("trainer.textures", {"input": "x", "grid": 3}),
    ("trainer.textures", {}),
    ("trainer.evaluate", {"model": "m", "textures": "t"}),
    ("trainer.evaluate", {"model": "m"}),
    ("trainer.evaluate", {"model": "m", "textures": "t", "seed": -1}),
]


def written(value):
    import json

    return json.dumps(value)


def findings(folder, program, arguments, extra=""):
    (folder / "environments").mkdir(exist_ok=True)
    (folder / "environments" / "dev.yaml").write_text(ENVIRONMENT)
    listed = ", ".join(f"{name}: {written(value)}" for name, value in arguments.items())
    (folder / "spec.yaml").write_text(
        'pipeline: p\ndefaults: {image: "us-docker.pkg.dev/p/r/t:1", machine: {type: n1-standard-8}}\n'
        f"tasks:\n  fit: {{type: train, module: {program}, args: {{{listed}}}{extra}}}\n"
    )
    return compile_spec(folder / "spec.yaml", "dev").diagnostics


def refused(program, arguments):
    try:
        check(program, read_values(as_arguments(arguments)))
    except UsageError:
        return True
    return False


@pytest.mark.parametrize(("program", "arguments"), CASES)
def test_the_compiler_and_the_trainer_agree(tmp_path, monkeypatch, program, arguments):
    monkeypatch.chdir(ROOT)
    found = findings(tmp_path, program, arguments)
    assert bool(found) == refused(program, arguments)
    assert {each.code for each in found} <= {"DF313"}


def test_cases_of_both_kinds_are_tried():
    assert {refused(*case) for case in CASES} == {True, False}


def test_what_only_a_run_knows_counts_as_given(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    unknown = {"textures": "{{ dag_run.conf.x }}", "epochs": "{{ dag_run.conf.n }}", "width": 40}
    assert findings(tmp_path, "trainer", unknown) == []


T4 = "{type: n1-standard-8, accelerator: {type: NVIDIA_TESLA_T4, count: 1}}"
ON_MACHINES = [
    ("trainer", {"device": "cuda"}, "{type: n1-standard-8}", "on a machine without a GPU"),
    ("trainer", {"device": "cuda"}, T4, None),
    ("trainer", {"device": "cuda"}, "{type: g2-standard-4}", None),
    ("trainer", {"precision": "bfloat16"}, T4, "`NVIDIA_TESLA_T4` has no bfloat16"),
    ("trainer", {"precision": "bfloat16"}, "{type: g2-standard-4}", None),
    ("trainer", {"precision": "{{ params.p }}"}, T4, None),
    ("trainer.vlm", {}, T4, "`NVIDIA_TESLA_T4` has no bfloat16"),  # its default
    ("trainer.vlm", {"precision": "float32"}, T4, None),
    (
        "trainer.vlm",
        {},
        "{type: g2-standard-4, replicas: 2}",
        "`trainer.vlm` trains on one machine",
    ),
    ("trainer", {}, "{type: n1-standard-8, replicas: 8}", None),
    ("trainer", {}, "{type: n1-standard-8, replicas: 9}", "`batch` is 8: too few images for 9 pro"),
    (
        "trainer",
        {},
        "{type: a2-highgpu-4g, replicas: 3}",
        "`batch` is 8: too few images for 12 pro",
    ),
    ("trainer", {"device": "cpu"}, "{type: a2-highgpu-4g, replicas: 3}", None),
    ("trainer", {"accumulate": 3}, "{type: a2-highgpu-4g}", "too few images for 4 processes"),
    ("trainer", {"accumulate": 3, "batch": 12}, "{type: a2-highgpu-4g}", None),
    ("trainer", {"precision": "bfloat16", "device": "cpu"}, T4, None),
    ("trainer", {"stage": "textures", "input": "x"}, "{type: n1-standard-8, replicas: 9}", None),
]


@pytest.mark.parametrize(("program", "arguments", "machine", "told"), ON_MACHINES)
def test_what_the_program_would_refuse_on_its_machine(  # noqa: PLR0913, PLR0917
    program, arguments, machine, told, tmp_path, monkeypatch
):
    monkeypatch.chdir(ROOT)
    needed = {"trainer": {"textures": "x"}, "trainer.vlm": {"data": "x", "backbone": "y"}}
    given = arguments if "input" in arguments else needed[program] | arguments
    found = findings(tmp_path, program, given, f", machine: {machine}")
    mine = [each.message for each in found if each.code == "DF313"]
    assert len(mine) == (told is not None)
    assert told is None or told in mine[0]


def test_the_trainer_takes_no_arguments_without_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    found = findings(tmp_path, "trainer", {"textures": "x"}, ", positional: fit")
    assert [each.message for each in found] == ["`trainer` takes no arguments without a name"]


def test_a_trainer_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "trainer").mkdir()
    (tmp_path / "trainer" / "__init__.py").write_text("raise SystemExit('imported')\n")
    findings(tmp_path, "trainer", {"my_own": 1})
    command = [sys.executable, "-m", "dagfactory", "check", "spec.yaml", "--format", "concise"]
    done = processes.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("program", ["my_team.fit", "trainer"])
def test_neither_torch_nor_a_trainer_is_ever_imported(tmp_path, program):
    findings(tmp_path, program, {"textures": "sort-of-clevr"})
    script = (
        "import sys; from dagfactory.__main__ import run; run(['check', 'spec.yaml']);"
        "print({'torch', 'trainer'} & {name.partition('.')[0] for name in sys.modules})"
    )
    done = processes.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
