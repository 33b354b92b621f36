"""What `dagfactory import` does: read files, write specs, say what was not carried over."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dagfactory.diagnostics.diagnostic import DagfactoryError, Diagnostic
from dagfactory.diagnostics.source import SourceFile, read, shown
from dagfactory.diagnostics.span import Span
from dagfactory.diagnostics.terminal import safe
from dagfactory.diagnostics.wording import did_you_mean
from dagfactory.importers import Imported, Outcome, formats, importer
from dagfactory.importers._remarks import Remark, from_diagnostic
from dagfactory.project.specs import SUFFIXES, find_specs

if TYPE_CHECKING:
    from collections.abc import Iterable

_STEM = "defaults"
_LEVELS = 3


@dataclass(frozen=True, slots=True)
class Request:
    """The arguments of the command."""

    paths: tuple[Path, ...]
    out: Path | None
    format: str
    defaults: tuple[Path, ...]
    strict: bool
    force: bool


def run(request: Request) -> int:
    """Import everything; return 1 when a DAG could not be imported, else 0."""
    if request.format not in formats():
        near = did_you_mean(request.format, formats(), "formats")
        raise DagfactoryError(f"no format `{request.format}`; {near}")
    found = [imported(path, request) for path in find_specs(request.paths)]
    outcomes = [each for item in found for each in item.outcomes]
    remarks = [remark for item in found for remark in item.remarks]
    remarks += [remark for each in outcomes for remark in each.remarks]
    _collisions(outcomes)
    _write(outcomes, request)
    _say(remarks, outcomes)
    worst = {"error", "warning"} if request.strict else {"error"}
    return 1 if any(each.severity in worst for each in remarks) else 0


def imported(path: Path, request: Request) -> Imported:
    """Import one file."""
    source = read(path)
    if isinstance(source, Diagnostic):
        return Imported((), (from_diagnostic(source),))
    defaults = [read(each) for each in request.defaults or _beside(path)]
    unread = tuple(from_diagnostic(each) for each in defaults if isinstance(each, Diagnostic))
    if unread:
        return Imported((), unread)
    files = [each for each in defaults if isinstance(each, SourceFile)]
    found = importer(request.format).read(source, files)
    more = () if request.defaults else _above(path)
    return replace(found, remarks=(*found.remarks, *more))


def _beside(path: Path) -> list[Path]:
    """Return the file of defaults in the same folder."""
    candidates = (path.with_name(f"{_STEM}{suffix}") for suffix in reversed(SUFFIXES))
    return [each for each in candidates if each.is_file() and each != path][:1]


def _above(path: Path) -> tuple[Remark, ...]:
    """Return a note on each file of defaults in the folders above, which may hold for the file too."""
    found: list[Remark] = []
    folder = path.resolve().parent
    for parent in list(folder.parents)[:_LEVELS]:
        if (parent.parent / ".git").exists():
            break
        for file in _beside(parent / path.name):
            span = Span(shown(path), 1, 1, 1, 1)
            message = f"`{file.name}` in the folder `{parent.name}` may hold for it too"
            found.append(Remark("look", message, span, "give every such file with `--defaults`"))
    return tuple(found)


def _collisions(outcomes: Iterable[Outcome]) -> None:
    """Refuse to write two pipelines of the same name."""
    counts = Counter(each.pipeline for each in outcomes if each.text)
    twice = sorted(name for name, count in counts.items() if count > 1)
    if twice:
        raise DagfactoryError(f"more than one DAG would become `{twice[0]}`: import them apart")


def _write(outcomes: list[Outcome], request: Request) -> None:
    """Print the specs, or write those files that are new or may be replaced."""
    made = [each for each in outcomes if each.text is not None]
    if request.out is None:
        sys.stdout.write("---\n".join(each.text or "" for each in made))
        sys.stdout.flush()
        return
    targets = {request.out / f"{each.pipeline}.yaml": each.text or "" for each in made}
    for path, text in targets.items():
        if path.exists() and not request.force and path.read_text(encoding="utf-8") != text:
            raise DagfactoryError(f"{path} is there already; --force replaces it")
    request.out.mkdir(parents=True, exist_ok=True)
    for path, text in targets.items():
        path.write_text(text, encoding="utf-8", newline="\n")


def _say(remarks: list[Remark], outcomes: list[Outcome]) -> None:
    """Print each remark on a line, and one line about all."""
    encoding = sys.stderr.encoding or "utf-8"
    for each in remarks:
        sys.stderr.write(safe(each.line(), encoding) + "\n")
    made = [each for each in outcomes if each.text is not None]
    fully = sum(not any(r.severity == "warning" for r in each.remarks) for each in made)
    counts = Counter(each.severity for each in remarks)
    told = ", ".join(f"{counts[kind]} {kind}s" for kind in ("error", "warning", "note"))
    summary = f"imported {len(made)} of {len(outcomes)} DAGs, {fully} without loss: {told}"
    sys.stderr.write(summary + "\n")
