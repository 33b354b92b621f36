"""What one spec came to, without its trees: small enough to cross a fork and to be kept in the record."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from dagfactory.compiler.plan.sweeps import sweep_lines
from dagfactory.diagnostics.diagnostic import Diagnostic, Label, has_errors
from dagfactory.diagnostics.span import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dagfactory.compiler.bundle.bundle import Rendered
    from dagfactory.compiler.compile import Compiled


@dataclass(frozen=True, slots=True)
class Outcome:
    """The findings of one spec, its id with the place of it, its DAG file and its number of tasks.

    `sweeps` says in a line what each sweep will run, for each environment where that differs.

    `rendered` is None where there are errors and where nothing was to be rendered. `code` are the
    files of the project that were looked at, as `Project.looked_at` returns them.
    """

    diagnostics: tuple[Diagnostic, ...]
    name: tuple[str, Span] | None = None
    rendered: Rendered | None = None
    tasks: int = 0
    code: tuple[tuple[str, str, str], ...] = ()
    sweeps: tuple[str, ...] = ()

    @property
    def has_errors(self) -> bool:
        """Whether a finding is an error."""
        return has_errors(self.diagnostics)


def outcome_of(
    found: Iterable[Diagnostic], compiled: list[Compiled], dag_file: Rendered | None = None
) -> Outcome:
    """Return what a spec came to that was compiled for some environments."""
    # the most of all environments: a patch may delete tasks, and a spec with errors has no plan
    tasks = max(len(each.plan.tasks) if each.plan else 0 for each in compiled)
    looked_at = {row for each in compiled if each.project for row in each.project.looked_at()}
    diagnostics, code = tuple(found), tuple(sorted(looked_at))
    sweeps = () if has_errors(diagnostics) else tuple(_sweeps(compiled))
    return Outcome(diagnostics, _name(compiled[0]), dag_file, tasks, code, sweeps)


def _sweeps(compiled: list[Compiled]) -> Iterator[str]:
    """Yield what sweeps will run, and in which environment where it is not the same in all."""
    plans = [each.plan for each in compiled if each.plan]
    said = [sweep_lines(plan) for plan in plans]
    alike = all(each == said[0] for each in said)
    for plan, lines in zip(plans[:1] if alike else plans, said, strict=False):
        where = "" if alike or not plan.environment else f"{plan.environment.environment}: "
        yield from (f"{where}{line}" for line in lines)


def _name(compiled: Compiled) -> tuple[str, Span] | None:
    """Return the id that a spec gives its pipeline, and the place of it."""
    fields = compiled.node.value if compiled.node else None
    given = fields.get("pipeline") if isinstance(fields, dict) else None
    if given is None or not isinstance(given.value, str):
        return None
    return given.value, given.span


def collisions(outcomes: Iterable[Outcome]) -> Iterator[Diagnostic]:
    """Find pipeline ids that two files use: the later DAG would replace the earlier one."""
    first: dict[str, Span] = {}
    for each in outcomes:
        if each.name is None:
            continue
        name, place = each.name
        other = first.setdefault(name, place)
        if other is not place:
            yield Diagnostic(
                "DF213",
                f"pipeline id `{name}` is used by another file",
                place,
                help="rename one of them: the id becomes the DAG id and the file's name",
                labels=(Label(other, "first used here"),),
            )


def to_row(outcome: Outcome) -> list[Any]:
    """Return an outcome as JSON can hold it."""
    rendered = outcome.rendered
    return [
        [_finding(each) for each in outcome.diagnostics],
        outcome.name,
        rendered and _rendered(rendered),
        outcome.tasks,
        outcome.code,
        outcome.sweeps,
    ]


def from_row(row: list[Any]) -> Outcome:
    """Return the outcome of a row."""
    from dagfactory.compiler.bundle.bundle import Rendered

    findings, name, rendered, tasks, code, sweeps = row
    if rendered:
        pipeline, source, digest, text, target, beside, address = rendered
        files = {path: content.encode("latin-1") for path, content in beside.items()}
        rendered = Rendered(pipeline, source, digest, text, target, files, address)
    place = (name[0], Span(*name[1])) if name else None
    found = tuple(map(_from_finding, findings))
    looked_at = tuple((a, b, c) for a, b, c in code)
    return Outcome(found, place, rendered, tasks, looked_at, tuple(sweeps))


def _rendered(rendered: Rendered) -> list[Any]:
    row = {each.name: getattr(rendered, each.name) for each in fields(rendered)}
    # a byte for a character: what lies beside a DAG file may be a wheel
    row["beside"] = {path: data.decode("latin-1") for path, data in rendered.beside.items()}
    return list(row.values())


def _finding(each: Diagnostic) -> list[Any]:
    labels = [[label.span, label.text] for label in each.labels]
    return [
        each.code, each.message, each.span, each.help, each.notes, labels, each.severity, each.hidden,
    ]  # fmt: skip


def _from_finding(row: list[Any]) -> Diagnostic:
    code, message, span, help_, notes, labels, severity, hidden = row
    shown = tuple(Label(Span(*place), text) for place, text in labels)
    place = Span(*span) if span else None
    return Diagnostic(code, message, place, help_, tuple(notes), shown, severity, hidden)
