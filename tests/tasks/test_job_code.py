"""Jobs of the project's own code: a script or a folder becomes a package under its content's hash."""

from __future__ import annotations

import zipfile
from io import BytesIO

import pytest

from dagfactory.compiler.bundle.sidecars import sidecars
from dagfactory.compiler.compile import compile_spec

JOB = (
    "image: us-docker.pkg.dev/vertex-ai/training/x:latest\nmachine: {type: n1-standard-4}\n"
    "restart: true\n"
)
SWEEP = "metric: {name: loss, goal: minimize}\nparameters: {lr: {values: [1, 2]}}\n"


@pytest.fixture(autouse=True)
def _project(tmp_path):
    for name, text in {
        "train-it.py": "import helpers  # writes metrics.json\n",
        "helpers.py": "",
        "random.py": "",
        "src/captions/__init__.py": "",
        "src/captions/fit.py": "",
        "needs.txt": "# what it needs\ntransformers==4.57.1  # the last\n\naccelerate[test]>=1,<2\n",
        "lock.txt": "click==8.1.7 --hash=sha256:00\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def program(made):
    return made.arguments["job"]["workerPoolSpecs"][0]["pythonPackageSpec"]


def wheels(compiled, body):
    made = compiled(body)
    assert made.plan, made.diagnostics
    return {
        path: zipfile.ZipFile(BytesIO(data))
        for path, data in sidecars(made.plan).items()
        if path.endswith(".whl")
    }


@pytest.mark.parametrize("type_", ["train", "sweep", "evaluate"])
def test_a_script_is_a_package_beside_the_dags(compiled, lowered, type_):
    rest = {"sweep": SWEEP, "evaluate": "model: gs://b/m\n"}.get(type_, "")
    body = f"type: {type_}\n{JOB}{rest}script: train-it.py\n"
    ((path, wheel),) = wheels(compiled, body).items()
    assert wheel.namelist()[:2] == ["helpers.py", "train_it.py"]
    if type_ != "sweep":
        given = program(lowered(body))
        assert given["packageUris"] == [f"gs://demo-ml/{path}"]
        assert given["pythonModule"] == "train_it"
    assert path.endswith("/train_it_code-0-py3-none-any.whl")


def test_other_code_is_another_address(compiled, tmp_path):
    body = f"type: train\n{JOB}script: train-it.py\n"
    (first,) = wheels(compiled, body)
    assert [first] == list(wheels(compiled, body))
    (tmp_path / "helpers.py").write_text("RATE = 1\n")
    (second,) = wheels(compiled, body)
    (third,) = wheels(compiled, f"{body}requirements: six\n")
    assert len({first, second, third}) == 3


def test_a_folder_beside_a_package_of_the_bucket(compiled, lowered):
    body = (
        f"type: train\n{JOB}package: [gs://bucket/own-1.whl, ./src]\nmodule: captions.fit\n"
        "requirements: [needs.txt, 'six; python_version < \"3.11\"']\n"
    )
    ((path, wheel),) = wheels(compiled, body).items()
    assert wheel.namelist()[:2] == ["captions/__init__.py", "captions/fit.py"]
    assert program(lowered(body))["packageUris"] == [
        "gs://bucket/own-1.whl",
        f"gs://demo-ml/{path}",
    ]
    needs = wheel.read("src_code-0.dist-info/METADATA").decode().splitlines()[3:]
    assert needs == [
        "Requires-Dist: transformers==4.57.1",
        "Requires-Dist: accelerate[test]>=1,<2",
        'Requires-Dist: six; python_version < "3.11"',
    ]


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ("script: train.py", ("DF230", "`train.py` is not a file of the project")),
        ("script: random.py", ("DF231", "`random` is a module of Python itself")),
        ("script: train-it.py\nmodule: x", ("DF123", "`script` and `module` exclude")),
        ("script: train-it.py\ncommand: [x]", ("DF123", "`script` and `command` exclude")),
        ("script: train-it.py\npackage: ./src", ("DF123", "`script` and `package` exclude")),
        ("package: ./scr\nmodule: captions.fit", ("DF230", "`./scr` is not a folder")),
        ("package: ./src", ("DF121", "`it` lacks the key `module`")),
        ("package: ./src\nmodule: captions.fti", ("DF231", "`captions.fti` is not a module of")),
        ("module: x\nrequirements: six", ("DF123", "`requirements` go with `script`, or")),
        (
            "package: gs://bucket/own-1.whl\nmodule: own\nrequirements: six",
            ("DF123", "`requirements` go with `script`, or"),
        ),
        ("script: train-it.py\nrequirements: no.txt", ("DF230", "`no.txt` is not a file")),
        ("script: train-it.py\nrequirements: lock.txt", ("DF234", "`click==8.1.7 --hash=")),
        ("script: train-it.py\nrequirements: [-r more]", ("DF234", "`-r more` is not a")),
        ('script: train-it.py\nrequirements: ["a\\nb"]', ("DF234", "`a")),
        ("package: s3://b/x.whl\nmodule: own", ("DF123", "`s3://b/x.whl` is not a Python")),
    ],
)
def test_what_is_wrong(faults, keys, fault):
    ((code, message),) = faults(f"type: train\n{JOB}{keys}\n")
    assert code == fault[0]
    assert message.startswith(fault[1])


def test_without_an_image_googles_are_named(compiled):
    (found,) = compiled(
        "type: train\nmachine: {type: n1-standard-4}\nscript: train-it.py\n"
    ).diagnostics
    assert found.code == "DF121"
    assert "pytorch-gpu" in found.help
    assert len(found.notes) == 4


def test_a_script_that_knows_of_checkpoints_resumes_on_spot(compiled, tmp_path):
    body = "type: train\nimage: x:1\nmachine: {type: n1-standard-4, provisioning: spot}\n"
    body += "script: train-it.py\n"
    assert [each.code for each in compiled(body).diagnostics] == ["DF316"]
    (tmp_path / "helpers.py").write_text("import os\nos.environ['AIP_CHECKPOINT_DIR']\n")
    assert compiled(body).diagnostics == []


def test_a_gate_behind_a_script_may_name_any_metric(compiled, tmp_path):
    compiled(f"type: evaluate\n{JOB}model: gs://bucket/m\nscript: train-it.py\n")
    path = tmp_path / "specs/demo.yaml"
    gate = 'gate: {type: gate, metrics: "${tasks.it.metrics}", when: own > 1, then: x}'
    path.write_text(f"{path.read_text()}  {gate}\n  x: {{type: empty}}\n")
    assert compile_spec(path, "test").diagnostics == []


def test_folders_of_one_name_are_two_packages(compiled, tmp_path):
    for name in ("common", "other"):
        (tmp_path / name / "src" / name).mkdir(parents=True)
        (tmp_path / name / "src" / name / "__init__.py").write_text("")
        (tmp_path / name / "src" / name / "fit.py").write_text("")
    body = f"type: train\n{JOB}package: [common/src, other/src]\nmodule: other.fit\n"
    names = sorted(path.partition("/")[2].partition("-")[0] for path in wheels(compiled, body))
    assert names == ["common_src_code", "other_src_code"]


@pytest.mark.parametrize("module", ["torch.distributed.run", "accelerate.commands.launch"])
def test_a_module_of_the_image_may_run_the_package(compiled, module):
    made = compiled(f"type: train\n{JOB}package: ./src\nmodule: {module}\n")
    assert made.plan, made.diagnostics


@pytest.mark.parametrize("text", ["\ufeffnumpy==1.0\n", "numpy==1.0\t# why\n", "numpy  ==  1.0\n"])
def test_requirements_as_people_save_them(compiled, tmp_path, text):
    (tmp_path / "mine.txt").write_text(text, encoding="utf-8")
    made = compiled(f"type: train\n{JOB}script: train-it.py\nrequirements: mine.txt\n")
    assert made.plan, made.diagnostics


@pytest.mark.parametrize("line", ["a" + " " * 900 + "!", "a" + " " * 100_000 + "!", "a[" * 400])
def test_a_requirement_is_judged_at_once(compiled, tmp_path, line):
    (tmp_path / "mine.txt").write_text(f"{line}\n" * 200, encoding="utf-8")
    made = compiled(f"type: train\n{JOB}script: train-it.py\nrequirements: mine.txt\n")
    assert {each.code for each in made.diagnostics} == {"DF234"}
    assert len(made.diagnostics) <= 101
