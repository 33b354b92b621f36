"""Much work is shared with a fork; what comes out is the same, whatever becomes of the fork."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from dagfactory import halves

MANY = range(halves.MANY + 1)  # an odd number: the halves differ


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})


def where(_number):
    return os.getpid()


def test_every_second_of_many_is_done_in_one_fork_and_the_order_stays():
    assert halves.each(lambda number: number * 2, MANY) == [number * 2 for number in MANY]
    processes = halves.each(where, MANY)
    assert set(processes[::2]) == {os.getpid()}
    assert len(set(processes[1::2]) - {os.getpid()}) == len(set(processes[1::2])) == 1


def test_few_items_one_core_or_threads_need_no_fork(monkeypatch):
    assert set(halves.each(where, MANY[: halves.MANY - 1])) == {os.getpid()}
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    assert set(halves.each(where, MANY)) == {os.getpid()}
    done.set()
    thread.join()
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    assert set(halves.each(where, MANY)) == {os.getpid()}


def test_an_error_in_the_fork_is_raised_here(capfd):
    def odd(number):
        if number == 7:
            raise ValueError("seven")
        return number

    with pytest.raises(ValueError, match="seven"):
        halves.each(odd, MANY)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("end", [lambda: os._exit(0), lambda: os.kill(os.getpid(), signal.SIGKILL)])
def test_a_fork_that_dies_is_made_up_for(end):
    here = os.getpid()

    def work(number):
        if os.getpid() != here and number == 51:
            end()
        return number

    assert halves.each(work, MANY) == list(MANY)


def test_an_error_here_leaves_no_process_behind():
    def even(number):
        if number == 4:
            raise ValueError("four")
        return number

    with pytest.raises(ValueError, match="four"):
        halves.each(even, MANY)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
