"""What a task may ask for while it is lowered: references as text, symbols, folders, defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dagfactory.dagfile.model import Call, Group, Operator, Symbol
from dagfactory.document.reference import ROOTS, Ref, parse
from dagfactory.project.code import Project

if TYPE_CHECKING:
    from dagfactory.dagfile.targets import Target
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class TaskContext:
    """Where a task stands: its id, its id in Airflow (with groups), its run folder, its Python name.

    `project` is where files that the task names are read.
    A `mapped` task runs several times in a run, and each time in a folder of its own.
    """

    id: str
    airflow_id: str
    run_dir: str
    variable: str
    mapped: bool = False
    project: Project = field(default_factory=Project)

    def operator(self, symbol: Symbol, arguments: dict[str, Any]) -> Operator:
        """Return the operator call of a task that is one Airflow task."""
        return Operator(self.id, self.variable, symbol, {"task_id": self.id, **arguments})

    @property
    def dir(self) -> str:
        """Return the task's own folder below the run's."""
        own = f"{self.run_dir}/{self.id}"
        # the place in the list, not the item, which can be long, secret or equal to another; a list
        # that changes between two tries of a run therefore moves what comes after the change
        return own + "/{{ ti.map_index }}" if self.mapped else own

    @property
    def once(self) -> str:
        """Return the expression for templates that tells this task's work in a run from all other."""
        return "run_id ~ '.' ~ ti.map_index" if self.mapped else "run_id"

    def xcom(self, *keys: str, task: str = "") -> str:
        """Return an Airflow template that reads the task's result when it runs."""
        path = "".join(f"[{key!r}]" for key in keys)
        name = f"{self.airflow_id}.{task}" if task else self.airflow_id
        return "{{ ti.xcom_pull(task_ids=" + repr(name) + ")" + path + " }}"


@dataclass(frozen=True, slots=True)
class LoweringContext:
    """The surroundings of a pipeline's tasks.

    `outputs` maps task id → output name → text (or a mapping for outputs with parts); `roots` maps a
    task id to the Airflow ids that start it; `package` is the import path of the runtime.
    """

    pipeline: Pipeline
    environment: EnvironmentFile | None
    target: Target
    package: str
    run_dir: str
    outputs: Mapping[str, Mapping[str, Any]]
    roots: Mapping[str, tuple[str, ...]]

    def runtime(self, module: str, name: str) -> Symbol:
        """Return where the rendered file imports a runtime operator from."""
        return Symbol(f"{self.package}.{module}", name)

    def text(self, value: str) -> str:
        """Replace the references of a text by what Airflow renders when the task runs."""
        # the one place where `$${` becomes `${`: undone twice, it would be read as a reference
        return "".join(
            piece if isinstance(piece, str) else self._reference(piece) for piece in parse(value)
        )

    def data(self, value: Any) -> Any:
        """Replace the references in every text of nested values, calls included."""
        match value:
            case str():
                return self.text(value)
            case list():
                return [self.data(item) for item in value]
            case dict():
                return {key: self.data(item) for key, item in value.items()}
            case Call():
                positional = tuple(self.data(item) for item in value.positional)
                return replace(value, arguments=self.data(value.arguments), positional=positional)
            case Operator():
                made = self.data(value.arguments), self.data(value.expand)
                return replace(value, arguments=made[0], expand=made[1])
            case Group():
                members = tuple(self.data(item) for item in value.members)
                return replace(value, members=members, tooltip=self.text(value.tooltip))
        return value

    def _reference(self, ref: Ref) -> str:
        if (ref.root, *ref.path) == ("run", "dir"):
            return self.run_dir
        template = ROOTS[ref.root].template
        if template:
            return template(ref.path)
        found: Any = self.outputs[ref.path[0]]
        for key in ref.path[1:]:
            found = found[key]
        return self.text(str(found))
