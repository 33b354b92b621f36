"""Changes as data: each with the layer that it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from dagfactory.deploy.changes.field import Field, fields

Action = Literal["added", "removed", "changed"]
Reason = Literal["spec", "generator", "environment", "wording", "unknown"]
"""Why a DAG file changes. `wording`: the order of keys, a short form, an unused variable or a text that
is masked in plans; `unknown`: the destination holds no plan to compare with."""


@dataclass(frozen=True, slots=True)
class TaskChange:
    """A task that is new, gone, other or called otherwise: its id with its groups, its definitions.

    A task has another name (`to`) when one task goes and one of equal definition comes.
    """

    id: str
    old: dict[str, Any] | None = None
    new: dict[str, Any] | None = None
    to: str = ""

    @property
    def action(self) -> Literal["added", "removed", "changed", "renamed"]:
        """Return what becomes of the task."""
        if self.to:
            return "renamed"
        if self.old is None:
            return "added"
        return "removed" if self.new is None else "changed"

    @property
    def type(self) -> str:
        """Return its type, the new one where there is one."""
        return str((self.new or self.old or {}).get("type", ""))

    @property
    def fields(self) -> tuple[Field, ...]:
        """Return the keys that differ in a task that stays."""
        return tuple(fields(self.old, self.new)) if self.action == "changed" else ()

    def data(self) -> dict[str, Any]:
        """Return the change as JSON has it."""
        made: dict[str, Any] = {"action": self.action, "id": self.id, "type": self.type}
        if self.action == "changed":
            return made | {"fields": [each.data() for each in self.fields]}
        if self.to:
            return made | {"to": self.to}
        return made | {"definition": self.new if self.old is None else self.old}


@dataclass(frozen=True, slots=True)
class Price:
    """What a pipeline costs in US dollars: a run, and a month of its schedule."""

    run: float
    month: float

    @property
    def text(self) -> str:
        """Return the amounts for people."""
        return f"${self.run:,.2f} a run, ${self.month:,.2f} a month"


@dataclass(frozen=True, slots=True)
class PriceChange:
    """What a pipeline costs before and after, each None where there is no pipeline or no price."""

    before: Price | None = None
    after: Price | None = None

    @property
    def text(self) -> str:
        """Return a line for people, empty where nothing is known or nothing changes."""
        if self.before == self.after:
            return ""
        if self.after is None or self.before is None:
            known, word = (self.after, "") if self.after else (self.before, "until now ")
            return f"costs {word}{known.text}" if known else ""
        return f"costs {self.after.text}; until now {self.before.text}"

    def data(self) -> dict[str, Any]:
        """Return the amounts as JSON has them."""
        sides = {"before": self.before, "after": self.after}
        return {name: asdict(each) if each else None for name, each in sides.items()}


@dataclass(frozen=True, slots=True)
class PipelineChange:
    """One pipeline whose DAG file is added, removed or changed.

    `sizes` are mapped tasks that run another number of times; `vanished` are the tasks that Airflow
    does not know any more, `sweeps` what those of the new file will run, a line each.
    """

    pipeline: str
    action: Action
    reasons: tuple[Reason, ...]
    settings: tuple[Field, ...] = ()
    tasks: tuple[TaskChange, ...] = ()
    edges_added: tuple[tuple[str, str], ...] = ()
    edges_removed: tuple[tuple[str, str], ...] = ()
    sizes: tuple[Field, ...] = ()
    vanished: tuple[str, ...] = ()
    sweeps: tuple[str, ...] = ()
    price: PriceChange = field(default_factory=PriceChange)

    @property
    def notes(self) -> Iterator[str]:
        """Yield a line for each sweep, and one for the price if that changes."""
        yield from self.sweeps
        if self.price.text:
            yield self.price.text

    def data(self) -> dict[str, Any]:
        """Return the change as JSON has it."""
        return {
            "pipeline": self.pipeline,
            "action": self.action,
            "reasons": list(self.reasons),
            "settings": [each.data() for each in self.settings],
            "tasks": [each.data() for each in self.tasks],
            "edges": {
                "added": [list(each) for each in self.edges_added],
                "removed": [list(each) for each in self.edges_removed],
            },
            "sizes": [each.data() for each in self.sizes],
            "vanished": list(self.vanished),
            "sweeps": list(self.sweeps),
            "price": self.price.data(),
        }


@dataclass(frozen=True, slots=True)
class Warned:
    """What a change does that nobody may have meant, in one sentence about a pipeline."""

    kind: Literal["history", "old_runs", "running", "confirm", "unknown"]
    pipeline: str
    text: str

    def data(self) -> dict[str, Any]:
        """Return the warning as JSON has it."""
        return {"kind": self.kind, "pipeline": self.pipeline, "text": self.text}


@dataclass(frozen=True, slots=True)
class Changes:
    """All that a sync changes, in three layers: specs, what writes the files, the environment."""

    pipelines: tuple[PipelineChange, ...] = ()
    generator: tuple[Field, ...] = ()
    environment: tuple[Field, ...] = ()
    warnings: tuple[Warned, ...] = field(default=())

    def data(self) -> dict[str, Any]:
        """Return the changes as JSON has them."""
        return {
            name: [each.data() for each in getattr(self, name)]
            for name in ("pipelines", "generator", "environment", "warnings")
        }
