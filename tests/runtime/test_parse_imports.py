"""The DAG processor imports operators for each DAG file, and not what a running task needs alone."""

import copy
import importlib
import pickle
import sys
from pathlib import Path

import processes

PARSED = "job sweep pack tune gate checkpoint registry endpoint lazy call items"
RUNNING = {
    "session",
    "storage",
    "vertex",
    "points",
    "grid",
    "halving",
    "expr",
    "foreign_checkpoint",
    "observability",
}


def test_a_parse_imports_nothing_that_a_running_task_needs_alone():
    code = f"""
import copy
import importlib
import pickle
import sys
from importlib import import_module
for name in {PARSED.split()}:
    import_module("dagfactory.runtime." + name)
print(*sorted(each.rpartition(".")[2] for each in sys.modules if each.startswith("dagfactory.runtime.")))
"""
    found = set(processes.output([sys.executable, "-W", "ignore", "-c", code]).split())
    assert not found & RUNNING
    assert set(PARSED.split()) <= found


def test_every_module_comes_when_it_is_used():
    from dagfactory import runtime

    for file in Path(runtime.__file__).parent.glob("[a-z]*.py"):
        assert getattr(runtime, file.stem).__doc__
    assert not hasattr(runtime, "nonsense")


def test_what_stands_for_a_module_can_be_copied_and_pickled():
    from dagfactory import runtime

    later = runtime._Later("dagfactory.runtime.grid")
    for same in (copy.copy(later), copy.deepcopy(later), pickle.loads(pickle.dumps(later))):  # noqa: S301 - our own bytes
        assert same.count is importlib.import_module("dagfactory.runtime.grid").count
