"""Nothing that a file names is imported, called or expanded."""

import json
import os
import sys
from pathlib import Path

import processes
import pytest
from paths import ROOT

CASES = Path(__file__).parent / "cases"
SCRIPT = """
import json, sys
seen = []
def hook(event, arguments):
    if event in ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "socket.connect"):
        seen.append([event, repr(arguments)[:80]])
    if event == "import" and arguments[0].split(".")[0] in ("shop", "kubernetes", "airflow", "lib", "report"):
        seen.append([event, arguments[0]])
from dagfactory.__main__ import run
from dagfactory.importers import dag_factory, _command
from dagfactory.compiler.plan import build as plan
from dagfactory.compiler.validate import validate
from dagfactory import report
import dagfactory.tasks.operator, dagfactory.tasks.bash, dagfactory.tasks.python, dagfactory.tasks.empty
sys.addaudithook(hook)
code = run(["import", *sys.argv[1:]])
print(json.dumps({"code": code, "seen": seen}))
"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one")
    environment = os.environ | {"HOME": "/canary-5f1c", "USER": "canary-5f1c"}
    command = [sys.executable, "-c", SCRIPT, str(CASES / "hostile.yml"), "--out", "specs"]
    result = processes.run(
        command,
        env=environment | {"PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return result, (folder / "specs/hostile.yaml").read_text()


def test_nothing_is_imported_or_run(hostile):
    result, _ = hostile
    assert json.loads(result.stdout.splitlines()[-1]) == {"code": 0, "seen": []}
    assert not Path("/tmp/dagfactory-import-canary").exists()


def test_each_object_is_reported_with_its_place(hostile):
    text = hostile[0].stderr
    for place in (":4:24:", ":16:23:"):
        assert f"hostile.yml{place} warning[not-called]" in text
    assert "hostile.yml:12:27: warning[no-equivalent]: task `call`" in text
    assert "hostile.yml:8:17: warning[no-equivalent]: task `system`" in text


def test_no_environment_variable_is_replaced(hostile):
    result, spec = hostile
    assert "canary" not in result.stderr + spec.replace("dagfactory-import-canary", "")
    assert "description: it's $${HOME} and $PATH" in spec
    assert "$${x:-y}" in spec


def test_no_name_of_the_source_becomes_code(hostile):
    _, spec = hostile
    assert "import os" not in spec
    assert "__import__" not in spec.replace("`__import__('os').system` is not a dotted path", "")
    assert "operator: os.system" not in spec


def test_billion_laughs_are_refused(tmp_path):
    result = processes.run(
        [sys.executable, "-m", "dagfactory", "import", str(CASES / "billion_laughs.yml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "error[unreadable]: more than 100,000 values" in result.stderr


def test_merge_keys_do_not_multiply(tmp_path):
    lines = ["dag:", "  m0: &m0 {a: 1}"]
    lines += [f"  m{at}: &m{at} {{<<: [*m{at - 1}, *m{at - 1}], k{at}: 1}}" for at in range(1, 40)]
    path = tmp_path / "laughs.yml"
    path.write_text("\n".join(lines) + "\n")
    result = processes.run(
        [sys.executable, "-m", "dagfactory", "import", str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 1
    assert "error[unreadable]" in result.stderr
