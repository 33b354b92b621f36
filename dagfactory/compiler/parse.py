"""The files that one spec is made of, as trees: itself, its defaults and the file of its environment."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import NoneType

from dagfactory.compiler.foreign import not_a_mapping, other_file
from dagfactory.compiler.resolve.layers import Layers
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.source import SourceFile, decode, read, shown
from dagfactory.document.load import load
from dagfactory.document.node import Node
from dagfactory.project.code import Project
from dagfactory.project.files import leads_out
from dagfactory.project.specs import STDIN, SUFFIXES, beside, project_of


@dataclass(frozen=True, slots=True)
class Parsed:
    """What was read of one spec for one environment.

    `layers` are None where there is no pipeline to resolve; `environment` is the tree of the chosen
    environment's file, None where there is none. `sources` are all files that were read, `project` is
    where the spec's own Python lies.
    """

    layers: Layers | None
    environment: Node | None
    diagnostics: list[Diagnostic]
    sources: tuple[SourceFile, ...]
    project: Project = field(default_factory=Project)


@dataclass(frozen=True, slots=True)
class _Loaded:
    node: Node | None
    diagnostics: tuple[Diagnostic, ...]
    source: SourceFile | None


def parse(path: Path, environment: str | None) -> Parsed:
    """Read a spec and what lies beside it, for an environment or for none; faults are diagnostics."""
    spec, defaults = load_file(path), _defaults(path)
    file, unknown = _environment(path, environment)
    parts = [part for part in (spec, defaults, file) if part]
    found = [each for part in parts for each in part.diagnostics]
    sources = tuple(part.source for part in parts if part.source)
    tree = file.node if file else None
    # no layers: each `${env.…}` of the spec would be a finding of its own with the same cause
    if unknown:
        return Parsed(None, None, [*found, unknown], sources)
    if spec.node is None:
        return Parsed(None, tree, found, sources)
    wrong = _not_a_pipeline(spec.node)
    if wrong:
        return Parsed(None, tree, [*found, wrong], sources)
    layers = Layers(spec.node, defaults.node if defaults else None, tree, environment)
    found += _unknown_patches(path, spec.node)
    return Parsed(layers, tree, found, sources, project_of(path))


def parse_text(source: SourceFile) -> Parsed:
    """Read a spec from a text, with nothing beside it."""
    node, found = load(source)
    return Parsed(Layers(node) if node and not found else None, None, found, (source,))


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
        return sorted({each.stem for each in folder.iterdir() if each.suffix in SUFFIXES})
    node = load_file(spec).node
    patches = node.find(("environments",)) if node else None
    return sorted(patches.value) if patches and isinstance(patches.value, dict) else []


def _defaults(spec: Path) -> _Loaded | None:
    found = beside(spec, "defaults.yaml")
    loaded = load_file(found) if found and not found.is_dir() else None
    if loaded is None or loaded.node is None or isinstance(loaded.node.value, dict):
        return loaded
    problem = not_a_mapping(loaded.node, (), "the defaults")
    # without a tree, so that the spec is checked all the same, as if it had no defaults
    return replace(loaded, node=None, diagnostics=(*loaded.diagnostics, problem))


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
    file = next(folder / f"{name}{end}" for end in SUFFIXES if (folder / f"{name}{end}").exists())
    return load_file(file), None


def _not_a_pipeline(node: Node) -> Diagnostic | None:
    return other_file(node) if isinstance(node.value, dict) else not_a_mapping(node, ())


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
