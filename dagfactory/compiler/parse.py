"""The files that one spec is made of, as trees: itself, its defaults and the file of its environment."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial, reduce
from pathlib import Path
from types import NoneType

from dagfactory.compiler.foreign import foreign_kind, not_a_mapping, other_file
from dagfactory.compiler.resolve.layers import Layers, merge_patch
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.source import SourceFile, decode, read, shown
from dagfactory.diagnostics.span import KeyPath, Span
from dagfactory.document.load import EMPTY, load
from dagfactory.document.node import Node
from dagfactory.project.code import Project, Reads
from dagfactory.project.files import leads_out
from dagfactory.project.specs import (
    SPECS,
    STDIN,
    SUFFIXES,
    USAGE,
    beside,
    defaults_beside,
    project_of,
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What was read of one spec for one environment.

    `layers` are None where there is no pipeline to resolve; `environment` is the tree of the chosen
    environment's file, None where there is none. `sources` are all files that were read, `project` is
    where the spec's own Python lies, `lost` the mappings of the pipeline of which a key could not be
    read, each with the place where a key that it lacks is reported; `usage` says how much it uses.
    """

    layers: Layers | None
    environment: Node | None
    diagnostics: list[Diagnostic]
    sources: tuple[SourceFile, ...]
    project: Project = field(default_factory=Project)
    lost: Mapping[KeyPath, Span] = field(default_factory=dict)
    usage: Node | None = None


@dataclass(frozen=True, slots=True)
class _Loaded:
    node: Node | None
    diagnostics: tuple[Diagnostic, ...]
    source: SourceFile | None


def parse(path: Path, environment: str | None, reads: Reads | None = None) -> Parsed:
    """Read a spec and what lies beside it, for an environment or for none; faults are diagnostics.

    `reads` keeps what a command has read of the code of projects.
    """
    spec, defaults = load_file(path), [*map(_defaults, defaults_beside(path))]
    file, unknown = _environment(path, environment)
    parts = [part for part in (spec, *defaults, file) if part]
    found = [each for part in parts for each in part.diagnostics]
    sources = tuple(part.source for part in parts if part.source)
    tree = file.node if file else None
    # no layers: each `${env.…}` of the spec would be a finding of its own with the same cause
    if unknown:
        return Parsed(None, None, [*found, unknown], sources)
    wrong = _not_a_pipeline(spec.node) if spec.node else None
    if wrong:
        # of a file that is something else, the first thing to say is the last
        found = [wrong, *(each for part in parts[1:] for each in part.diagnostics)]
    # what a file beside the spec would bring in, names or values, is missed all over the spec
    if spec.node is None or wrong or any(part.node is None for part in parts):
        return Parsed(None, tree, found, sources)
    patches = _unknown_patches(path, spec.node)
    lost = dict(each for part in parts for each in _lost(part)) | _lost_patches(spec.node, patches)
    complete = not any(map(_lacks_variables, parts))
    below = [part.node for part in defaults if part.node]
    stacked = reduce(partial(merge_patch, keep_null=True), below) if below else None
    layers = Layers(spec.node, stacked, tree, environment, complete)
    found += patches
    usage = _usage(path, spec.node)
    found += usage.diagnostics if usage else ()
    sources += (usage.source,) if usage and usage.source else ()
    return Parsed(
        layers, tree, found, sources, project_of(path, reads), lost, usage.node if usage else None
    )


def _usage(path: Path, node: Node) -> _Loaded | None:
    """Load the file that says how much a pipeline uses, if there is one."""
    name, folder = node.find(("pipeline",)), beside(path, USAGE)
    # the id becomes a file's name
    if folder is None or name is None or not str(name.value).isidentifier():
        return None
    file = folder / f"{name.value}.yaml"
    return _mapping(load_file(file), "this file") if file.is_file() else None


_LOST_KEYS = ("DF104", "DF106")


def _lost(part: _Loaded) -> Iterator[tuple[KeyPath, Span]]:
    """Yield the mappings of the pipeline in which a file has a key that could not be read."""
    for each in part.diagnostics:
        if each.code in _LOST_KEYS and each.span and part.node:
            path = _holder(part.node, each.span)
            inside = path[1:] if path[:1] == ("pipeline",) else path
            yield inside, part.node.span_of(path, key=True)


def _lacks_variables(part: _Loaded) -> bool:
    """Whether a file may define variables that could not be read."""
    given = part.node.find(("vars",)) if part.node else None
    merged = any(each.code == "DF104" for each in part.diagnostics)
    around = {path for path, _ in _lost(part)}
    return bool(given and not isinstance(given.value, dict | NoneType)) or (
        merged and bool(around & {(), ("vars",)})
    )


def _lost_patches(node: Node, problems: list[Diagnostic]) -> dict[KeyPath, Span]:
    """Return what a patch that is not applied would have brought in, as far as other parts need it."""
    patches = node.find(("environments",))
    if not problems or patches is None or not isinstance(patches.value, dict):
        return {}
    wrong = [each for each in patches.value.values() if each.find(("defaults",))]
    return {("defaults",): wrong[0].span} if wrong else {}


def _holder(node: Node, span: Span) -> KeyPath:
    """Return the path of the innermost value around a place."""
    around = [path for path, each in node.walk() if each.span.holds(span)]
    return around[-1] if around else ()


def parse_environment(name: str) -> Parsed:
    """Read the file of an environment of the project in this folder, and no spec."""
    file, unknown = _environment(SPECS / "any.yaml", name)
    found = [*(file.diagnostics if file else ()), *([unknown] if unknown else ())]
    sources = (file.source,) if file and file.source else ()
    project = project_of(SPECS / "any.yaml")
    return Parsed(None, file.node if file else None, found, sources, project)


def parse_text(source: SourceFile) -> Parsed:
    """Read a spec from a text, with nothing beside it."""
    node, found = load(source)
    return Parsed(Layers(node) if node and not found else None, None, found, (source,))


def parse_resolved(source: SourceFile, environment: str) -> Parsed:
    """Read a resolved pipeline, as plans hold it, for its environment of the project in this folder."""
    node, found = load(source)
    around = parse_environment(environment)
    found += around.diagnostics
    if node is None or found:
        return Parsed(None, around.environment, found, (source,))
    usage = _usage(SPECS / "any.yaml", node)
    # the environment's patch is in it already
    return Parsed(
        Layers(node),
        around.environment,
        [],
        (source,),
        around.project,
        usage=usage.node if usage else None,
    )


def load_file(path: Path) -> _Loaded:
    """Read and load a file; a file that did not change is not loaded twice."""
    if path == STDIN:
        return _stdin()
    if leads_out(path):
        message = f"`{shown(path)}` is a link that leads out of the project"
        return _from(Diagnostic("DF101", message, None, "put the file itself here"))
    try:
        state = path.stat()
    except OSError:
        return _load(path, 0, 0)
    return _load(path, state.st_mtime_ns, state.st_size)


# `check` reads a spec once for each environment; time and size are in the key, because
# `check --watch` lives long enough to see a file change
@lru_cache(maxsize=64)
def _load(path: Path, _modified: int, _size: int) -> _Loaded:
    return _from(read(path))


# standard input can be read once, and is parsed for each environment
@lru_cache(maxsize=1)
def _stdin() -> _Loaded:
    return _from(decode(sys.stdin.buffer.read(), "<stdin>"))


def _from(source: SourceFile | Diagnostic) -> _Loaded:
    if isinstance(source, Diagnostic):
        return _Loaded(None, (source,), None)
    node, problems = load(source)
    return _Loaded(node, tuple(problems), source)


def environments(spec: Path) -> list[str]:
    """Return the environments a spec can be rendered for, by name.

    They are the files in `environments/`; without any, the patches the spec itself holds.
    """
    folder = beside(spec, "environments")
    if folder:
        return sorted({each.stem for each in _environment_files(folder)})
    node = load_file(spec).node
    patches = node.find(("environments",)) if node else None
    return sorted(patches.value) if patches and isinstance(patches.value, dict) else []


def _environment_files(folder: Path) -> list[Path]:
    """Return the files of environments; a link that leads nowhere is one, what an editor hides is not."""
    files = (each for each in folder.iterdir() if not each.name.startswith("."))
    return [each for each in files if each.suffix in SUFFIXES]


def _defaults(path: Path) -> _Loaded:
    """Load a file of defaults."""
    return _mapping(load_file(path), "the defaults")


def _mapping(loaded: _Loaded, what: str) -> _Loaded:
    """Return a loaded file, which is no pipeline, without its tree where that is no mapping."""
    if loaded.node is None:
        found = tuple(_of_its_own(each) for each in loaded.diagnostics)
        return replace(loaded, diagnostics=found)
    if isinstance(loaded.node.value, dict):
        return loaded
    problem = not_a_mapping(loaded.node, (), what)
    return replace(loaded, node=None, diagnostics=(*loaded.diagnostics, problem))


def _of_its_own(found: Diagnostic) -> Diagnostic:
    """Return a finding with the help for a file that is no pipeline."""
    if found.message != EMPTY:
        return found
    return replace(found, help="write its keys, or delete the file")


def _environment(path: Path, name: str | None) -> tuple[_Loaded | None, Diagnostic | None]:
    """Return the file of an environment, or why there is no such environment."""
    if name is None:
        return None, None
    known = environments(path)
    if name not in known:
        from dagfactory.diagnostics.wording import did_you_mean

        remedy = did_you_mean(name, known, "known") or "add `specs/environments/NAME.yaml`"
        return None, Diagnostic("DF110", f"unknown environment `{name}`", None, remedy)
    folder = beside(path, "environments")
    if folder is None:
        return None, None
    found = [each for each in _environment_files(folder) if each.stem == name]
    return _mapping(
        load_file(min(found, key=lambda each: SUFFIXES.index(each.suffix))), "this file"
    ), None


def _not_a_pipeline(node: Node) -> Diagnostic | None:
    if isinstance(node.value, dict):
        return other_file(node)
    kind = foreign_kind(node)
    message, help_ = (
        f"this file is not a pipeline: it looks like {kind}",
        "name the files that are specs",
    )
    return Diagnostic("DF122", message, node.span, help_) if kind else not_a_mapping(node, ())


def _unknown_patches(path: Path, node: Node) -> list[Diagnostic]:
    patches = node.find(("environments",))
    if patches is None or not isinstance(patches.value, dict):
        return []
    from dagfactory.diagnostics.wording import did_you_mean

    known = environments(path)
    wrong = [
        not_a_mapping(node, ("environments", name))
        for name, patch in patches.value.items()
        if not isinstance(patch.value, dict | NoneType)
    ]
    return wrong + [
        Diagnostic(
            "DF110",
            f"unknown environment `{name}`",
            patches.keys[name],
            did_you_mean(name, known, "known"),
        )
        for name in patches.value
        if name not in known
    ]
