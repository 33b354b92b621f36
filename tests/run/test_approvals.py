"""Answers to approvals: from the command line and from a real terminal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, TextIO

import pytest

from dagfactory.run.approvals import Approvals, answers, is_asking
from dagfactory.run.events import NotReadyError, RunError, TaskChange
from dagfactory.run.watch import Watcher

RUN = ("dags", "d", "dagRuns", "r")


class Api:
    """Keeps what is sent; the questions are those of `details`."""

    def __init__(self, **detail: Any) -> None:
        self.detail = {"subject": "Go on?", "defaults": None} | detail
        self.sent: list[tuple[str, str]] = []

    def get(self, *_: str) -> dict[str, Any]:
        return self.detail

    def patch(self, *path: str, body: dict[str, Any]) -> None:
        self.sent.append((path[-3], body["chosen_options"][0]))


@pytest.fixture
def terminal() -> Iterator[tuple[int, TextIO]]:
    keyboard, screen = os.openpty()
    with os.fdopen(screen) as stream:
        yield keyboard, stream
    os.close(keyboard)


def test_answers_are_read_before_anything_starts():
    given = answers(["a", "group.b=reject", "c=approve"], dict.fromkeys("abc", True))
    assert given == {"a": "Approve", "group.b": "Reject", "c": "Approve"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("agreeed", "there is no task `agreeed`; did you mean `agreed`"),
        ("agreed=yes", "write TASK, or TASK=reject"),
        ("train", "`train` does not ask; those that ask: `agreed`"),
    ],
)
def test_what_cannot_be_an_answer(text, message):
    with pytest.raises(NotReadyError, match=message):
        answers([text], {"agreed": True, "train": False})


def test_a_given_answer_is_sent_once():
    api, approvals = Api(), Approvals({"agreed": "Reject"})
    assert approvals.ask(api, RUN, "group.agreed", -1) == "Go on?"
    for _ in range(2):
        approvals.answer(api, RUN, [("group.agreed", -1)])
    assert api.sent == [("group.agreed", "Reject")]


def test_a_task_that_is_run_again_asks_again():
    api, approvals = Api(), Approvals({"agreed": "Approve"})
    for _ in range(2):
        approvals.ask(api, RUN, "agreed", -1)
        approvals.answer(api, RUN, [("agreed", -1)])
    assert len(api.sent) == 2


def test_lines_of_a_terminal_answer_in_turn(terminal):
    keyboard, stream = terminal
    api, approvals = Api(), Approvals(terminal=stream)
    keys = [("first", -1), ("second", -1)]
    assert [approvals.ask(api, RUN, *key) for key in keys] == [
        "Go on?  [y or n, then Enter]",
        "Go on?  [after the questions before]",
    ]
    approvals.answer(api, RUN, keys)
    assert api.sent == []
    os.write(keyboard, b"perhaps\ny\n")
    for _ in range(3):
        approvals.answer(api, RUN, keys)
    os.write(keyboard, b"No\n")
    approvals.answer(api, RUN, keys)
    assert api.sent == [("first", "Approve"), ("second", "Reject")]


def test_whose_turn_it_is_is_told(terminal, tmp_path):
    keyboard, stream = terminal
    told: list[TaskChange] = []
    approvals = Approvals(terminal=stream)
    watcher = Watcher(Api(), "d", "r", tmp_path, told.append, approvals=approvals)
    for task in ("first", "second"):
        one = {"task_id": task, "map_index": -1, "state": "awaiting_input", "try_number": 1}
        watcher.known[task, -1] = {**one, "duration": None}
        approvals.ask(watcher.api, RUN, task, -1)
    watcher.answer()
    assert told == []
    os.write(keyboard, b"y\n")
    watcher.answer()
    assert [(each.task_id, each.note) for each in told] == [
        ("second", "Go on?  [y or n, then Enter]")
    ]


def test_a_control_d_is_no_answer_and_no_end(terminal):
    keyboard, stream = terminal
    api, approvals = Api(), Approvals(terminal=stream)
    approvals.ask(api, RUN, "agreed", -1)
    for text in (b"\x04", b"n\n"):
        os.write(keyboard, text)
        approvals.answer(api, RUN, [("agreed", -1)])
    assert api.sent == [("agreed", "Reject")]


def test_what_is_typed_before_a_question_is_no_answer(terminal):
    keyboard, stream = terminal
    api, approvals = Api(), Approvals(terminal=stream)
    os.write(keyboard, b"y\n")
    approvals.ask(api, RUN, "agreed", -1)
    approvals.answer(api, RUN, [("agreed", -1)])
    assert api.sent == []


def test_a_question_that_somebody_else_has_answered_is_forgotten(terminal):
    keyboard, stream = terminal
    api, approvals = Api(), Approvals(terminal=stream)
    approvals.ask(api, RUN, "agreed", -1)
    os.write(keyboard, b"y\n")
    approvals.answer(api, RUN, [])
    assert api.sent == []


def test_where_nobody_can_answer_the_run_ends():
    with pytest.raises(RunError, match="agreed waits for an answer") as raised:
        Approvals().ask(Api(), RUN, "agreed", -1)
    assert "--approve=agreed" in raised.value.details[0]
    assert Approvals().ask(Api(defaults=["Reject"]), RUN, "agreed", -1)
    assert "UI" in Approvals(ui=True).ask(Api(), RUN, "agreed", -1)


def test_who_asks():
    hitl = "airflow.providers.standard.triggers.hitl.HITLTrigger"
    assert is_asking({"state": "awaiting_input"})
    assert is_asking({"state": "deferred", "trigger": {"classpath": hitl}})
    assert not is_asking({"state": "deferred", "trigger": None})
