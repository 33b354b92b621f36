"""Much work is shared with a fork; what comes out is the same, whatever becomes of the fork.

Each case has a process of its own: others of this suite leave threads and children in this one.
"""

from __future__ import annotations

import sys
from textwrap import dedent

import processes
import pytest

START = """
import os, signal, threading
from dagfactory.compiler import fork

cores = {0, 1}
os.sched_getaffinity = lambda _: cores
here = os.getpid()
many = range(fork.MANY + 1)  # an odd number: the halves differ
where = lambda _: os.getpid()

def breaks(at):
    def work(number):
        if number == at:
            raise ValueError(at)
        return number
    return work

def alone():
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return True
"""


def run(body: str) -> None:
    """Run lines in a fresh process; they assert, and print nothing."""
    script = START + dedent(body)
    done = processes.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_second_of_many_is_done_in_one_fork_and_the_order_stays():
    run("""
        assert fork.fork_map(lambda number: number * 2, many) == [number * 2 for number in many]
        processes = fork.fork_map(where, many)
        assert set(processes[::2]) == {here}
        (fork,) = set(processes[1::2])
        assert fork != here and alone()
    """)


@pytest.mark.parametrize(
    "less",
    [
        "many = many[: fork.MANY - 1]",
        "cores = {0}",
        "threading.Thread(target=threading.Event().wait, daemon=True).start()",
    ],
)
def test_few_items_one_core_or_threads_need_no_fork(less):
    run(f"{less}\nassert set(fork.fork_map(where, many)) == {{here}}")


@pytest.mark.parametrize("at", [4, 7])
def test_an_error_in_either_half_is_raised_here_and_leaves_no_process(at):
    run(f"""
        try:
            fork.fork_map(breaks({at}), many)
        except ValueError as error:
            assert error.args == ({at},) and alone()
        else:
            raise AssertionError
    """)


@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_fork_that_dies_is_made_up_for(end):
    run(f"""
        def work(number):
            if os.getpid() != here and number == 51:
                {end}
            return number

        assert fork.fork_map(work, many) == list(many) and alone()
    """)
