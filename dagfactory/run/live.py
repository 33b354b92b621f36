"""The table that updates itself on a terminal. The only module that imports rich."""

import contextlib
import time
from collections.abc import Iterator
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from dagfactory.run.events import (
    FINISHED,
    Doing,
    Event,
    JobSays,
    MappedProgress,
    Phase,
    RunEnded,
    RunStarted,
    Sink,
    TaskChange,
    TasksKnown,
)
from dagfactory.run.lines import OVER, line
from dagfactory.run.text import MARKS, clock, duration

_STYLES = {
    "success": "green",
    "failed": "bold red",
    "upstream_failed": "red",
    "running": "cyan",
    "deferred": "blue",
    "up_for_retry": "yellow",
}


@contextlib.contextmanager
def live_table(stream: TextIO) -> Iterator[Sink]:
    """Yield a sink that keeps a table of all tasks up to date and leaves it standing."""
    console = Console(file=stream)
    view = _View(console)
    # four times a second is how often a run is looked at: more would draw the same again
    with Live(view, console=console, refresh_per_second=4):
        try:
            yield view.take
        finally:
            view.close()


class _View:
    """The rows by task, and what is going on above them; rich renders it four times a second."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._doing, self._run = "starting", ""
        self._rows: dict[str, tuple[str, str, str, str]] = {}
        self._since: dict[str, float] = {}
        self._said: dict[str, str] = {}

    def close(self) -> None:
        """Name the run, where there was one, in what is left standing."""
        self._doing = self._run or self._doing

    def take(self, event: Event) -> None:
        match event:
            case Phase() | Doing():
                self._doing = event.name
            case RunEnded():
                self._doing = "stopping Airflow"
            case JobSays():
                self._said[event.task_id] = event.line
            case RunStarted():
                self._run = self._doing = f"{event.dag_id}  {event.url}"
            case TasksKnown():
                self._rows = dict.fromkeys(event.task_ids, ("none", "", "", ""))
            case MappedProgress():
                self._mapped(event)
            case TaskChange():
                self._change(event)

    def _mapped(self, event: MappedProgress) -> None:
        rest = set(event.states) - {"success", "none"}
        state = "success" if event.done == event.total else (min(rest) if rest else "none")
        if event.done == event.total:
            self._said.pop(event.task_id, None)
        self._rows[event.task_id] = (state, f"{event.done}/{event.total} done", "", event.note)

    def _change(self, event: TaskChange) -> None:
        if event.map_index >= 0:
            # one of a thousand instances gets a line above the table, a row would push the rest away
            self._console.print(Text(line(event), style=_STYLES.get(event.after, "")))
            return
        self._since[event.task_id] = time.monotonic()
        self._said.pop(event.task_id, None)
        over = duration(event.seconds) if event.after in OVER else ""
        self._rows[event.task_id] = (event.after, event.after, over, event.note)

    def __rich__(self) -> Group:
        """Draw: one line about the whole, then a row per task."""
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        for task_id, (state, label, over, note) in self._rows.items():
            style = _STYLES.get(state, "")
            ticking = over or (self._ticking(task_id) if state in {"running", "deferred"} else "")
            table.add_row(
                Text(MARKS.get(state, "·"), style=style),
                Text(task_id),
                Text(label, style=style),
                Text(ticking, justify="right"),
                Text(self._said.get(task_id, note), style="dim", no_wrap=True, overflow="ellipsis"),
            )
        moment = clock(time.monotonic() - self._began)
        head = "  ".join(filter(None, (moment, self._count(), self._doing)))
        return Group(Text(head, style="bold"), table)

    def _count(self) -> str:
        done = sum(state in FINISHED for state, *_ in self._rows.values())
        return f"{done}/{len(self._rows)} tasks" if self._rows else ""

    def _ticking(self, task_id: str) -> str:
        since = self._since.get(task_id)
        return duration(time.monotonic() - since) if since else ""
