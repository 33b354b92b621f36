"""Answers to the questions that approvals ask in a run: given beforehand, on the terminal, or in the UI."""

from __future__ import annotations

import os
import selectors
import sys
import termios
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TextIO

from dagfactory.diagnostics.wording import did_you_mean, listing
from dagfactory.run.airflow_api import AirflowApi, AirflowApiError
from dagfactory.run.events import NotReadyError, RunError

OPTIONS = {"approve": "Approve", "reject": "Reject"}
_WORDS = {"y": "Approve", "yes": "Approve", "n": "Reject", "no": "Reject"} | OPTIONS
_CONFLICT = 409

Key = tuple[str, int]


def answers(given: Iterable[str], known: Mapping[str, bool]) -> dict[str, str]:
    """Return the answers of `--approve` by the ids of tasks; refuse tasks that the spec does not have.

    `known` says of each task whether it can ask; of a folder that is rendered already nothing is known.
    """
    return dict(_answer(text, known) for text in given)


def _answer(text: str, known: Mapping[str, bool]) -> tuple[str, str]:
    task, _, answer = text.partition("=")
    if (answer or "approve") not in OPTIONS:
        raise NotReadyError(f"--approve {text}: write TASK, or TASK=reject")
    if known and task.rpartition(".")[2] not in known:
        meant = did_you_mean(task, known)
        message = f"--approve {text}: there is no task `{task}`"
        raise NotReadyError(f"{message}; {meant}" if meant else message)
    if known and not known[task.rpartition(".")[2]]:
        asking = [name for name, asks in known.items() if asks]
        rest = f"those that ask: {listing(asking)}" if asking else "no task of this pipeline asks"
        raise NotReadyError(f"--approve {text}: `{task}` does not ask; {rest}")
    return task, OPTIONS[answer or "approve"]


@dataclass(slots=True)
class Approvals:
    """Answers what one run asks.

    `given` are answers by task. What they do not answer is read from `terminal`, where there is one;
    with `ui` somebody may answer it there. Where neither is, RunError is raised: nobody could answer.
    """

    given: Mapping[str, str] = field(default_factory=dict)
    terminal: TextIO | None = None
    ui: bool = False
    _open: dict[Key, str] = field(default_factory=dict, init=False)

    @property
    def turn(self) -> Key | None:
        """The question that the next line on the terminal answers: the one that was asked first."""
        open_ = self._open if self.terminal else ()
        return next((key for key in open_ if not _given(self.given, key[0])), None)

    def ask(self, api: AirflowApi, run: tuple[str, ...], task: str, index: int) -> str:
        """Take up a question and return it as one line that says how to answer."""
        detail = api.get(*_path(run, task, index))
        if self.terminal and not self._open:
            # what was typed before there was a question is no answer to it
            termios.tcflush(self.terminal, termios.TCIFLUSH)
        self._open[task, index] = str(detail["subject"])
        if _given(self.given, task) or self.terminal or self.ui or detail.get("defaults"):
            return self.told((task, index))
        raise RunError(
            f"{task} waits for an answer, and nobody can give it here: {detail['subject']}",
            f"answer before it asks: --approve={task} or --approve={task}=reject",
            "or run it on a terminal, or with --ui",
        )

    def answer(self, api: AirflowApi, run: tuple[str, ...], waiting: Collection[Key]) -> None:
        """Send the answers that there are to the questions that are open."""
        self._open = {key: text for key, text in self._open.items() if key in waiting}
        turn = self.turn
        for key in list(self._open):
            typed = self._typed() if key == turn else None
            if chosen := _given(self.given, key[0]) or typed:
                _send(api, run, key, chosen)
                del self._open[key]

    def told(self, key: Key) -> str:
        """Return an open question as one line that says how to answer."""
        return f"{self._open[key]}  {self._how(key)}".rstrip()

    def _how(self, key: Key) -> str:
        if _given(self.given, key[0]):
            return ""
        if self.terminal is None:
            return "[answer it in the UI]"
        return "[y or n, then Enter]" if key == self.turn else "[after the questions before]"

    def _typed(self) -> str | None:
        """Return what a line on the terminal says, None while there is none."""
        if self.terminal is None or not _readable(self.terminal):
            return None
        # a terminal gives one line at a time; the stream's own buffer would hide what follows. ^D is a
        # line without text, and not the end: more can be typed
        line = os.read(self.terminal.fileno(), 4096).decode(errors="replace")
        return _WORDS.get(line.strip().lower())


def from_here(given: Iterable[str], known: Mapping[str, bool], *, ui: bool) -> Approvals:
    """Return the approvals of a command that was started here."""
    terminal = sys.stdin if sys.stdin is not None and sys.stdin.isatty() else None
    return Approvals(answers(given, known), terminal, ui)


def is_asking(instance: Mapping[str, Any]) -> bool:
    """Whether a task instance waits for a person."""
    trigger = str((instance.get("trigger") or {}).get("classpath", ""))
    return str(instance["state"]) == "awaiting_input" or trigger.endswith(".HITLTrigger")


def _given(given: Mapping[str, str], task: str) -> str | None:
    return given.get(task) or given.get(task.rpartition(".")[2])


def _path(run: tuple[str, ...], task: str, index: int) -> tuple[str, ...]:
    return (*run, "taskInstances", task, str(index), "hitlDetails")


def _send(api: AirflowApi, run: tuple[str, ...], key: Key, chosen: str) -> None:
    try:
        api.patch(*_path(run, *key), body={"chosen_options": [chosen], "params_input": {}})
    except AirflowApiError as error:
        if error.status != _CONFLICT:  # somebody has answered in the UI
            raise


def _readable(stream: TextIO) -> bool:
    with selectors.PollSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        return bool(selector.select(timeout=0))
