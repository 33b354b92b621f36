"""No test can hang: whatever waits for a process or a thread says for how long."""

from __future__ import annotations

import ast
import signal

import pytest
from paths import TESTS

ENOUGH = {"wait": 1, "join": 1, "communicate": 2}
"""How many arguments by position say for how long, where `timeout` does not."""

STARTS = {"run", "call", "check_call", "check_output"}
"""Take a limit; `processes.run` has one of its own. `Popen` has none: leaving its block waits."""


def endless(source: str) -> list[str]:
    """Return the calls of a program that may wait for ever."""
    calls = [each for each in ast.walk(ast.parse(source)) if isinstance(each, ast.Call)]
    return [ast.unparse(call) for call in calls if _is_endless(call)]


def _is_endless(call: ast.Call) -> bool:
    named = {each.arg for each in call.keywords}
    match call.func:
        case ast.Attribute(value=ast.Name(id="subprocess"), attr="Popen"):
            return True
        case ast.Attribute(value=ast.Name(id="subprocess"), attr=name) if name in STARTS:
            return "timeout" not in named
        case ast.Attribute(value=ast.Name(id="saver")):  # the trainer's: pytest's limit ends it
            return False
        case ast.Attribute(attr=name) if name in ENOUGH:
            return "timeout" not in named and len(call.args) < ENOUGH[name]
    return False


def test_every_wait_has_an_end() -> None:
    files = [
        path
        for path in TESTS.rglob("*.py")
        if path.parent != TESTS / "err/code"  # inputs, one of which is no Python
        # a program that its test limits; Google's `wait` takes no time
        if path != TESTS / "emulator/sdk_calls.py"
        if path.name != "processes.py" and path.parts[-2] not in ("trainer", "vlm")
    ]
    found = {path.relative_to(TESTS): endless(path.read_text()) for path in files}
    assert len(found) > 100
    assert {str(path): calls for path, calls in found.items() if calls} == {}


@pytest.mark.parametrize(
    ("call", "count"),
    [
        ("subprocess.run(x)", 1),
        ("subprocess.run(x, timeout=1)", 0),
        ("subprocess.Popen(x)", 1),
        ("thread.join()", 1),
        ("', '.join(names)", 0),
        ("process.wait(3)", 0),
        ("process.communicate(text)", 1),
        ("process.communicate(timeout=3)", 0),
        ("processes.run(x)", 0),
    ],
)
def test_what_counts_as_one(call: str, count: int) -> None:
    assert len(endless(call)) == count


def test_programs_can_be_interrupted_also_in_the_background_of_a_script() -> None:
    """`make test &` in a script ignores interrupts, and what it starts would ignore them too."""
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
