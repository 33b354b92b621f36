"""A training step is understood from the files that the manual names, at most five."""

import re
import sys
from pathlib import Path

import pytest

import trainer
from trainer import train
from trainer.config import parse
from trainer.distributed import prepare
from trainer.settings import TrainSettings
from trainer.vertex import StopRequest, read_context

HOME = Path(trainer.__file__).parent
MANUAL = HOME.parent / "docs" / "trainer.md"
WAYS = {
    "plain": [],
    "in parts": ["--accumulate=2", "--precision=bfloat16"],
    "hard": ["--stage=hard"],
    "relevance": ["--stage=relevance"],
    "ablated": ["--ablate=budgets"],
}


def named_files():
    """Files that the manual lists for a step."""
    section = MANUAL.read_text().split("\n### A training step\n")[1].split("\n#")[0]
    return set(re.findall(r"^\| `trainer/(\S+)` \|", section, flags=re.MULTILINE))


def executed_files(call):
    """Files of the trainer whose functions run during a call."""
    found = set()

    def note(frame, event, _argument):
        path = Path(frame.f_code.co_filename)
        if event == "call" and HOME in path.parents:
            found.add(path.relative_to(HOME).as_posix())

    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
    return found


def test_the_manual_names_at_most_five_files():
    assert 1 < len(named_files()) <= 5


@pytest.mark.parametrize("way", WAYS)
def test_a_step_runs_in_the_files_that_the_manual_names(way, arguments, tmp_path):
    settings = parse(TrainSettings, [*arguments, *WAYS[way], f"--output={tmp_path}"])
    context = read_context({}, str(tmp_path))
    data = train.read_data(settings, context, prepare(settings))
    run = train.assemble(settings, context, data, StopRequest())
    found = executed_files(lambda: train.train_step(run))
    assert "train.py" in found
    assert "model/arr_coc.py" in found
    assert found <= named_files()
