"""Say the events of a run as lines of text: the words that the plain progress and the live table share."""

import time
from typing import TextIO

from dagfactory.run.events import (
    FINISHED,
    Doing,
    Event,
    JobSays,
    MappedProgress,
    Phase,
    RunEnded,
    RunStarted,
    TaskChange,
    TasksKnown,
)
from dagfactory.run.text import clock, duration

_NAME = 24  # columns for a task's name; longer ones push the rest of their line
_WAITING = frozenset({"none", "scheduled"})  # states that say only "not yet"

OVER = FINISHED | {"up_for_retry"}  # states whose duration is final


class LinePrinter:
    """One line per event that says something new."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._began = time.monotonic()

    def take(self, event: Event) -> None:
        """Print the event's line, with the time since the start in front."""
        if text := line(event):
            moment = clock(time.monotonic() - self._began)
            print(f"{moment}  {text}", file=self._stream, flush=True)


def line(event: Event) -> str:
    """Say an event in one line; `` for what need not be said."""
    match event:
        case Phase():
            return event.name
        case RunStarted():
            return f"run {event.run_id} started"
        case Doing() | TasksKnown() | JobSays() | RunEnded():
            return ""
        case MappedProgress():
            return mapped(event)
        case TaskChange():
            return change(event)


def change(event: TaskChange) -> str:
    """Say a change of state: `train   running → success   31.2 s`."""
    if event.after in _WAITING:
        return ""
    index = f"[{event.map_index}]" if event.map_index >= 0 else ""
    states = f"{event.before} → {event.after}"
    over = duration(event.seconds) if event.after in OVER else ""
    return "  ".join(
        [f"{event.task_id + index:<{_NAME}}", f"{states:<20}", over, event.note]
    ).rstrip()


def mapped(event: MappedProgress) -> str:
    """Say how a mapped task stands: `search.trial   3/4 done   1 running`."""
    if set(event.states) <= _WAITING:
        return ""
    open_states = sorted(set(event.states) - {"success"} - _WAITING)
    parts = [f"{event.states[state]} {state}" for state in open_states]
    done = f"{event.done}/{event.total} done"
    return "  ".join([f"{event.task_id:<{_NAME}}", f"{done:<20}", ", ".join(parts)]).rstrip()
