"""The file that a user's program gets: its own promises, and that the runtime reads what it writes."""

from __future__ import annotations

import json
import os
import re
import signal
import sys

import processes
import pytest
from paths import ROOT

from dagfactory.runtime import manifest
from dagfactory.runtime.metrics import parse

CONTRACT = ROOT / "dagfactory/authoring/init/contract.py"
PAGE = ROOT / "docs/own_trainer.md"


@pytest.fixture
def home(tmp_path):
    (tmp_path / "contract.py").write_text(CONTRACT.read_text())
    return tmp_path


def environment(home):
    return os.environ | {
        "AIP_MODEL_DIR": "gs://b/run/model/",
        "AIP_CHECKPOINT_DIR": "gs://b/run/checkpoints/",
        "GCSFUSE_ROOT": str(home / "gcs"),
    }


def run(home, script):
    (home / "train.py").write_text(script)
    return processes.run(
        [sys.executable, "train.py"],
        cwd=home,
        env=environment(home),
        capture_output=True,
        text=True,
    )


def test_it_is_short_and_needs_the_standard_library_only(home):
    text = CONTRACT.read_text()
    assert len(text.splitlines()) <= 80
    modules = set(re.findall(r"^(?:import|from) (\w+)", text, re.MULTILINE))
    assert modules <= sys.stdlib_module_names


def test_what_it_writes_is_what_the_runtime_reads(home):
    script = (
        "import contract\n"
        "for step in (9, 10):\n"
        "    folder = contract.step_dir(step)\n"
        "    (folder / 'state.pt').write_bytes(b'weights')\n"
        "    contract.seal_checkpoint(step, 10, 0.5)\n"
        "contract.write_metrics({'accuracy': 0.9}, 10)\n"
        "print(contract.newest_checkpoint().name)\n"
    )
    done = run(home, script)
    assert (done.stdout, done.stderr) == ("step-00000010\n", "")
    base = home / "gcs/b/run"
    metrics = parse(json.loads((base / "model/metrics.json").read_text()))
    assert (metrics.values, metrics.flat) == ({"accuracy": 0.9}, False)
    files = {
        f"gs://{path.relative_to(home / 'gcs')}": path.stat().st_size for path in base.rglob("*")
    }
    newest = manifest.newest(files)
    assert newest == "gs://b/run/checkpoints/step-00000010"
    document = json.loads((base / "checkpoints/step-00000010/manifest.json").read_text())
    require = {"complete": True, "min_step": 10, "max_loss": 1.0}
    checks = [*manifest.checks(document, require), *manifest.file_checks(document, newest, files)]
    assert [check for check in checks if not check["passed"]] == []


def test_a_damaged_or_cut_off_checkpoint_is_passed_over(home):
    script = (
        "import contract\n"
        "for step in (1, 2, 3):\n"
        "    folder = contract.step_dir(step)\n"
        "    (folder / 'state.pt').write_bytes(b'weights')\n"
        "    if step < 3: contract.seal_checkpoint(step, 9)\n"
        "(contract.step_dir(2) / 'state.pt').write_bytes(b'damaged')\n"
        "print(contract.newest_checkpoint().name)\n"
    )
    assert run(home, script).stdout == "step-00000001\n"


def program():
    """Return the page's program as it is after the change, and the numbers of lines added and removed."""
    block = re.search(r"```python\n(  import argparse.*?)```", PAGE.read_text(), re.DOTALL)
    assert block is not None
    lines = block[1].splitlines()
    kept = "\n".join(line[2:] for line in lines if not line.startswith("-"))
    return kept + "\n", sum(line.startswith("+") for line in lines)


def test_the_program_of_the_page_is_the_one_that_init_writes():
    written = CONTRACT.with_name("train.py").read_text()
    assert written.partition('"""\n\n')[2] == program()[0]


def test_the_program_of_the_page_goes_on_where_it_was_stopped(home):
    script, added = program()
    assert added <= 18, (
        "the page says twelve lines; the blocks of saving and loading are torch's own"
    )
    slow = script.replace("    loss = ", "    __import__('time').sleep(0.02)\n    loss = ", 1)
    (home / "train.py").write_text(slow)
    command = [sys.executable, "train.py", "--steps=200"]
    checkpoints = home / "gcs/b/run/checkpoints"
    with processes.started(command, cwd=home, env=environment(home)) as first:
        processes.wait_until(lambda: list(checkpoints.glob("step-*/manifest.json")))
        first.send_signal(signal.SIGTERM)
        assert first.wait(60) == 1
    stopped = max(int(each.name[5:]) for each in checkpoints.iterdir())
    assert 50 <= stopped < 200
    assert not (home / "gcs/b/run/model/metrics.json").exists()
    whole = run_again(home, script, command)
    resumed = json.loads((home / "gcs/b/run/model/metrics.json").read_text())
    assert resumed == whole


def run_again(home, script, command):
    """Finish the stopped run, then train once without a stop elsewhere; return what that one measured."""
    assert processes.run(command, cwd=home, env=environment(home)).returncode == 0
    other = home / "other"
    other.mkdir()
    (other / "contract.py").write_text(CONTRACT.read_text())
    assert run(other, script).returncode == 0
    return json.loads((other / "gcs/b/run/model/metrics.json").read_text())
