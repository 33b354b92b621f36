"""`dagfactory run`: what cannot be is refused at once, in a plain sentence, before anything starts."""

import sys

import processes
import pytest

from dagfactory.__main__ import run
from dagfactory.language.param import Param
from dagfactory.run import execute as running
from dagfactory.run.events import NotReadyError
from dagfactory.run.records import Record, write
from dagfactory.run.refused import check_faults, check_spec, values

SPEC = """\
pipeline: p
params:
  threshold: {type: number, default: 0.8, minimum: 0, maximum: 1}
  epochs: {type: integer, default: 3, minimum: 1}
  mode: {type: string, default: fast, enum: [fast, slow]}
  name: {type: string, default: a, pattern: "^[a-z]+$"}
  dry: {type: boolean, default: false}
  regions: {type: array, default: [eu]}
  extra: {type: object}
tasks:
  a: {type: bash, command: echo 1}
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs/environments").mkdir(parents=True)
    (tmp_path / "specs/p.yaml").write_text(SPEC)
    (tmp_path / "specs/environments/local.yaml").write_text(
        "environment: local\nproject: demo-dev\nregion: us-central1\nbucket: gs://demo-dev\n"
    )
    (tmp_path / "README.md").write_text("# Read me\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "two").mkdir()
    for name in ("a.py", "b.py"):
        (tmp_path / "two" / name).write_text("")

    def started(*_arguments, **_options):
        raise AssertionError("Airflow was to be started")

    write(tmp_path / ".dagfactory", Record("p", "r", "dev", "c"))
    write(tmp_path / "done", Record("p", "r", "local", "c", "success"))
    monkeypatch.setattr(running, "execute", started)
    monkeypatch.setattr("dagfactory.run.command.execute", started)


REFUSED = {
    "a misspelt param": (["specs/p.yaml", "--param", "treshold=0.9"], "mean `threshold`?"),
    "another misspelt param": (["specs/p.yaml", "--param", "epoch=4"], "mean `epochs`?"),
    "an unknown param": (["specs/p.yaml", "--param", "zzz=4"], "declared: `threshold`, `epochs`"),
    "beyond the maximum": (["specs/p.yaml", "--param", "threshold=2"], "above the maximum of 1"),
    "below the minimum": (["specs/p.yaml", "--param", "epochs=0"], "below the minimum of 1"),
    "text for a number": (["specs/p.yaml", "--param", "threshold=high"], "`type: number`"),
    "a fraction": (["specs/p.yaml", "--param", "epochs=1.5"], "`type: integer`"),
    "a number that is true": (["specs/p.yaml", "--param", "epochs=true"], "`type: integer`"),
    "text for a boolean": (["specs/p.yaml", "--param", "dry=yes"], "`type: boolean`"),
    "text for a list": (["specs/p.yaml", "--param", "regions=eu"], "`type: array`"),
    "a list for a mapping": (["specs/p.yaml", "--param", "extra=[1]"], "`type: object`"),
    "no choice": (["specs/p.yaml", "--param", "mode=faster"], "not among the values of `enum`"),
    "no match": (["specs/p.yaml", "--param", "name=A1"], "does not match `pattern`"),
    "nothing": (["specs/p.yaml", "--param", "threshold=null"], "does not fit"),
    "infinite": (["specs/p.yaml", "--param", "threshold=NaN"], "must be finite"),
    "no value": (["specs/p.yaml", "--param", "threshold"], "write it as NAME=VALUE"),
    "the second one": (
        ["specs/p.yaml", "--param", "epochs=2", "--param", "mod=fast"],
        "mean `mode`?",
    ),
    "an unknown fault": (["specs/p.yaml", "--fault", "foo"], "known: `stockout:N[:WHERE]`"),
    "a misspelt fault": (["specs/p.yaml", "--fault", "stokout:1"], "mean `stockout:N[:WHERE]`?"),
    "a fault without number": (["specs/p.yaml", "--fault", "preempt"], "`preempt:SECONDS[:GRACE"),
    "a fault of words": (["specs/p.yaml", "--fault", "quota:many"], "`quota:N[:WHERE]`"),
    "half a fault": (["specs/p.yaml", "--fault", "error:503"], "`error:CODE:N[:METHOD]`"),
    "a folder of specs": (["specs"], "specs is a folder of specs; `run` takes one spec"),
    "an empty folder": (["empty"], "empty is a folder without a DAG"),
    "two DAGs": (["two"], "two holds 2 DAG files"),
    "no such file": (["specs/q.yml"], "there is no file specs/q.yml"),
    "a misspelt file": (["specs/p.yml"], "did you mean `specs/p.yaml`?"),
    "no such folder": (["nowhere/p.yaml"], "there is no file nowhere/p.yaml"),
    "another file": (["README.md"], "README.md is not a spec"),
    "a rendered DAG": (["two/a.py"], "two/a.py is not a spec"),
    "an environment": (["specs/environments/local.yaml"], "this file is not a pipeline"),
    "standard input": (["-"], "`run` takes a file"),
    "a device": (["/dev/null"], "/dev/null is not a spec"),
    "going on with nothing": (
        ["specs/p.yaml", "--from", "a", "--state", "new"],
        "run it whole first",
    ),
    "going on elsewhere": (
        ["specs/p.yaml", "--rerun-failed"],
        "no earlier run of p in the environment local",
    ),
    "going on with params": (
        ["specs/p.yaml", "--from", "a", "--param", "epochs=2"],
        "without --param",
    ),
    "two ways to go on": (["specs/p.yaml", "--from", "a", "--only", "a"], "give one of them"),
    "no task": (["specs/p.yaml", "--only", "b", "--state", "done"], "there is no task `b`"),
    "nothing to keep": (["specs/p.yaml", "--force"], "--force belongs to --from or --rerun-failed"),
    "a name too long": (["x" * 300], "there is no file"),
}


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_a_sentence(name, capsys):
    words, said = REFUSED[name]
    assert run(["run", *words]) == 2
    told = capsys.readouterr()
    assert said in told.out + told.err
    assert "usage" not in told.err.lower()
    assert "Traceback" not in told.err
    assert told.err.splitlines()[-1].startswith("error: ")


PARAMS = {
    "threshold": Param(type="number", default=0.8, minimum=0, maximum=1),
    "name": Param(type="string", default="a"),
    "free": Param(type="string"),
    "regions": Param(type="array", default=["eu"]),
    "dry": Param(type="boolean", default=False),
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("threshold=0.9", 0.9),
        ("threshold=1", 1),
        ("threshold=0", 0),
        ("name=b", "b"),
        ("name=010", "010"),
        ("name=true", "true"),
        ('name="quoted"', "quoted"),
        ("name=a=b", "a=b"),
        ("name=", ""),
        ('regions=["eu", "us"]', ["eu", "us"]),
        ("regions=[]", []),
        ("dry=true", True),
        ("dry=false", False),
    ],
)
def test_what_is_declared_is_taken(text, value):
    assert values([text], PARAMS) == {text.partition("=")[0]: value}


def test_of_a_rendered_folder_nothing_is_known():
    assert values(["anything=1", "other=x"], None) == {"anything": 1, "other": "x"}


@pytest.mark.parametrize(
    "text",
    ["stockout:1", "quota:2:us-*", "preempt:3", "preempt:3:1", "slow_queue:5", "error:503:2:Get*"],
)
def test_faults_that_there_are_pass(text):
    check_faults([text])


def test_a_pipeline_without_params_says_so():
    with pytest.raises(NotReadyError, match="the pipeline declares none"):
        values(["a=1"], {})


def test_a_folder_with_one_dag_is_taken(tmp_path):
    (tmp_path / "p.py").write_text("")
    check_spec(tmp_path)


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("words", [["specs/p.yaml", "--param", "treshold=1"], ["specs"]])
def test_nothing_of_airflow_is_imported_for_it(words):
    code = (
        "import sys; from dagfactory.__main__ import run; code = run(sys.argv[1:]);"
        "assert 'airflow' not in sys.modules; sys.exit(code)"
    )
    done = processes.run([sys.executable, "-c", code, "run", *words], capture_output=True)
    assert done.returncode == 2, done.stderr
