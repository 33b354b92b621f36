"""`dagfactory import` from its arguments to its exit code."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dagfactory.compiler.foreign import import_format
from dagfactory.diagnostics.diagnostic import DagfactoryError, Diagnostic
from dagfactory.diagnostics.source import SourceFile, read, shown
from dagfactory.diagnostics.span import Span
from dagfactory.diagnostics.terminal import safe
from dagfactory.diagnostics.wording import did_you_mean
from dagfactory.importers import Imported, Options, Outcome, Source, formats, importer
from dagfactory.importers._remarks import Remark, from_diagnostic
from dagfactory.importers._yaml11 import load
from dagfactory.project.files import Folder, plainly
from dagfactory.project.specs import SUFFIXES, find_specs

if TYPE_CHECKING:
    from collections.abc import Iterable

_DEFAULTS_STEM = "defaults"
_LEVELS = 3


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The arguments of the command; without a `format` each file is recognised by its keys."""

    paths: tuple[Path, ...]
    out: Path | None
    format: str
    defaults: tuple[Path, ...]
    strict: bool
    force: bool
    since: Literal["2", "3", ""] = ""


def import_files(options: ImportOptions) -> int:
    """Import everything and print the remarks; return the exit code. Raises DagfactoryError."""
    _check_format(options.format)
    found = _imported(find_specs(options.paths), options)
    outcomes = [each for item in found for each in item.outcomes]
    remarks = [remark for item in found for remark in item.remarks]
    remarks += [remark for each in outcomes for remark in each.remarks]
    _collisions(outcomes)
    _write(outcomes, options)
    _print_remarks(remarks, outcomes)
    worst = {"error", "warning"} if options.strict else {"error"}
    return 1 if any(each.severity in worst for each in remarks) else 0


def _check_format(name: str) -> None:
    """Raise DagfactoryError for a name that is not a format."""
    names = [each.replace("_", "-") for each in formats()]
    if name and name not in names:
        near = did_you_mean(name, names, "formats")
        raise DagfactoryError(f"no format `{name}`; {near}")


def _imported(paths: list[Path], options: ImportOptions) -> list[Imported]:
    """Import all files of a format at once: what one of them names may change in another."""
    loaded = [_loaded(path, options) for path in paths]
    by_format: dict[str, list[Source]] = {}
    for each in loaded:
        if isinstance(each, Source):
            by_format.setdefault(options.format or _format(each), []).append(each)
    made: dict[int, Imported] = {}
    for name, sources in by_format.items():
        found = importer(name.replace("-", "_")).read(sources, Options(options.since))
        made |= dict(zip(map(id, sources), found, strict=True))
    return [
        _with_more(made[id(each)], path, options) if isinstance(each, Source) else each
        for path, each in zip(paths, loaded, strict=True)
    ]


def _format(source: Source) -> str:
    """Return the format that a file's keys speak of; dag-factory's is any other."""
    root, _ = load(source.file)
    return (import_format(root) if root else None) or "dag-factory"


def _loaded(path: Path, options: ImportOptions) -> Source | Imported:
    """Read a file and its defaults; what cannot be read is the result."""
    read_files = [read(each) for each in (path, *(options.defaults or _defaults_beside(path)))]
    unread = [each for each in read_files if isinstance(each, Diagnostic)]
    if unread:
        return Imported((), tuple(map(from_diagnostic, unread)))
    file, *defaults = (each for each in read_files if isinstance(each, SourceFile))
    return Source(file, tuple(defaults))


def _with_more(found: Imported, path: Path, options: ImportOptions) -> Imported:
    more = () if options.defaults else _defaults_above(path)
    return replace(found, remarks=(*found.remarks, *more))


def _defaults_beside(path: Path) -> list[Path]:
    """Return the file of defaults in the same folder."""
    candidates = (path.with_name(f"{_DEFAULTS_STEM}{suffix}") for suffix in reversed(SUFFIXES))
    return [each for each in candidates if each.is_file() and each != path][:1]


def _defaults_above(path: Path) -> tuple[Remark, ...]:
    """Return a note on each file of defaults in the folders above, which may hold for the file too."""
    found: list[Remark] = []
    folder = path.resolve().parent
    for parent in list(folder.parents)[:_LEVELS]:
        if (parent.parent / ".git").exists():  # the top of the project
            break
        for file in _defaults_beside(parent / path.name):
            span = Span(shown(path), 1, 1, 1, 1)
            message = f"`{file.name}` in the folder `{parent.name}` may hold for it too"
            found.append(Remark("look", message, span, "give every such file with `--defaults`"))
    return tuple(found)


def _collisions(outcomes: Iterable[Outcome]) -> None:
    """Raise DagfactoryError for two pipelines of the same name."""
    counts = Counter(each.pipeline for each in outcomes if each.text)
    twice = sorted(name for name, count in counts.items() if count > 1)
    if twice:
        raise DagfactoryError(f"more than one DAG would become `{twice[0]}`: import them apart")


def _write(outcomes: list[Outcome], options: ImportOptions) -> None:
    """Print the specs, or write those files that are new or may be replaced."""
    made = [each for each in outcomes if each.text is not None]
    if options.out is None:
        sys.stdout.write("---\n".join(each.text or "" for each in made))
        sys.stdout.flush()
        return
    targets = {f"{each.pipeline}.yaml": (each.text or "").encode() for each in made}
    if not targets:
        return  # no folder for nothing
    folder = Folder(options.out)
    # all of them before the first is written: half an import is harder to clean up than none
    for name, content in targets.items():
        if not options.force and folder.read(name) not in (None, content):
            raise DagfactoryError(f"{options.out / name} is there already; --force replaces it")
    with plainly():
        for name, content in targets.items():
            folder.write(name, content)


def _print_remarks(remarks: list[Remark], outcomes: list[Outcome]) -> None:
    """Print each remark on a line, and one line about all."""
    encoding = sys.stderr.encoding or "utf-8"
    for each in remarks:
        sys.stderr.write(safe(each.line(), encoding) + "\n")
    made = [each for each in outcomes if each.text is not None]
    fully = sum(not any(r.severity == "warning" for r in each.remarks) for each in made)
    counts = Counter(each.severity for each in remarks)
    told = ", ".join(
        f"{counts[kind]} {kind}{'' if counts[kind] == 1 else 's'}"
        for kind in ("error", "warning", "note")
    )
    summary = f"imported {len(made)} of {len(outcomes)} DAGs, {fully} without loss: {told}"
    sys.stderr.write(summary + "\n")
