import signal
import subprocess
import sys
from itertools import islice

from processes import started

from dagfactory.__main__ import run
from dagfactory.authoring.watch import changes

GOOD = "pipeline: p\ntasks:\n  a: {type: empty}\n"


def test_a_change_is_a_changed_new_or_removed_file(tmp_path):
    spec, defaults = tmp_path / "a.yaml", tmp_path / "defaults.yaml"
    spec.write_text(GOOD)
    looks = []

    def pause(_seconds):
        looks.append(None)
        if len(looks) == 2:
            spec.write_text(GOOD + "\n")
        if len(looks) == 4:
            defaults.write_text("owner: me\n")
        if len(looks) == 5:
            spec.unlink()
        if len(looks) == 6:
            (tmp_path / "notes.md").write_text("no spec")

    seen = changes((tmp_path,), pause)
    counts = [len(looks) for _ in islice(seen, 4)]
    assert counts == [0, 2, 4, 5]


def test_check_runs_again_until_it_is_interrupted(tmp_path):
    (tmp_path / "specs").mkdir()
    spec = tmp_path / "specs" / "a.yaml"
    spec.write_text(GOOD)
    command = [sys.executable, "-m", "dagfactory", "check", "--watch", "--format", "concise"]
    pipe = subprocess.PIPE
    with started(command, limit=60, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True) as watching:
        assert "0 errors" in watching.stderr.readline()
        spec.write_text(GOOD + "tsks: 1\n")
        assert "1 error" in watching.stderr.readline()
        assert "DF120" in watching.stdout.readline()
        spec.unlink()
        assert watching.stderr.readline().startswith("error: no specs")
        watching.send_signal(signal.SIGINT)
        assert watching.wait(60) == 130


CALLS = """pipeline: calls
tasks:
  a:
    type: train
    script: train.py
    image: us-docker.pkg.dev/vertex-ai/training/pytorch-gpu.2-4.py310:latest
    machine: {type: n1-standard-4}
"""


def test_a_change_of_the_code_that_a_spec_names_is_one(tmp_path):
    (tmp_path / "specs/environments").mkdir(parents=True)
    (tmp_path / "specs/environments/local.yaml").write_text(
        "environment: local\nproject: demo-local\nregion: us-central1\nbucket: gs://demo-local\n"
    )
    (tmp_path / "specs/a.yaml").write_text(CALLS)
    script = tmp_path / "train.py"
    script.write_text("print(1)\n")
    library = tmp_path / "venv/lib/site-packages/big.py"
    library.parent.mkdir(parents=True)
    command = [sys.executable, "-m", "dagfactory", "check", "--watch", "--format", "concise"]
    pipe = subprocess.PIPE
    with started(command, limit=60, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True) as watching:
        assert "0 errors" in watching.stderr.readline()
        library.write_text("print(1)\n")
        script.write_text("print(\n")
        assert "1 error" in watching.stderr.readline()
        assert "DF233" in watching.stdout.readline()
        script.write_text("print(2)\n")
        assert "0 errors" in watching.stderr.readline()


def test_standard_input_cannot_be_watched(capsys):
    assert run(["check", "-", "--watch"]) == 2
    assert "standard input cannot be watched" in capsys.readouterr().err
