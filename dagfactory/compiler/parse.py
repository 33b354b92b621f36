"""From a path to a checked pipeline: read the files that belong together and run the passes."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import NoneType

from dagfactory.compiler.resolve.layers import Environment, resolve
from dagfactory.compiler.validate.validate import (
    not_a_mapping,
    other_file,
    validate,
    validate_model,
)
from dagfactory.diagnostics.diagnostic import Diagnostic, tidy
from dagfactory.diagnostics.source import SourceFile, decode, read
from dagfactory.diagnostics.span import Span
from dagfactory.diagnostics.wording import listing
from dagfactory.document.load import load
from dagfactory.document.node import Node
from dagfactory.language.environment import EnvironmentFile
from dagfactory.language.pipeline import Pipeline
from dagfactory.project.specs import STDIN, SUFFIXES, beside

_FIRST_OF_MODELS = "DF120"


@dataclass(frozen=True, slots=True)
class Front:
    """What the front end knows about one spec in one environment.

    `node` is the resolved tree (None when the text could not be read); `pipeline` and `environment`
    are None when they have errors. `sources` are all files that were read.
    """

    pipeline: Pipeline | None
    node: Node | None
    environment: EnvironmentFile | None
    diagnostics: list[Diagnostic]
    sources: tuple[SourceFile, ...]


@dataclass(frozen=True, slots=True)
class _Loaded:
    node: Node | None
    diagnostics: tuple[Diagnostic, ...]
    source: SourceFile | None


def front_end(path: Path, environment: str | None = None) -> Front:
    """Load, resolve and validate a spec, for an environment or bare; all faults are diagnostics."""
    spec, defaults = load_file(path), _defaults(path)
    chosen, file, problems = _environment(path, environment)
    parts = [spec, *([defaults] if defaults else []), *([file] if file else [])]
    found = [each for part in parts for each in part.diagnostics] + problems
    sources = tuple(part.source for part in parts if part.source)
    model, own = _environment_model(chosen)
    found += own
    if environment and chosen is None:
        return Front(None, None, None, tidy(found), sources)
    if spec.node is None or not isinstance(spec.node.value, dict):
        found += validate(spec.node)[1] if spec.node else []
        return Front(None, None, model, tidy(found), sources)
    other = other_file(spec.node)
    if other:
        return Front(None, None, model, tidy([*found, other]), sources)
    found += _unknown_patches(path, spec.node)
    node, resolving = resolve(
        spec.node, defaults=defaults.node if defaults else None, environment=chosen
    )
    pipeline, validating = validate(node)
    found += [*_naming_environments(resolving, path), *validating]
    return Front(pipeline, node, model, tidy(_without_echoes(found)), sources)


def load_file(path: Path) -> _Loaded:
    """Read and load a file; a file that did not change is not loaded twice."""
    if path == STDIN:
        return _stdin()
    try:
        state = path.stat()
    except OSError:
        return _load(path, 0, 0)
    return _load(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=64)
def _load(path: Path, _modified: int, _size: int) -> _Loaded:
    return _from(read(path))


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
    loaded = load_file(found) if found and found.is_file() else None
    if loaded is None or loaded.node is None or isinstance(loaded.node.value, dict):
        return loaded
    problem = not_a_mapping(loaded.node, (), "the defaults")
    return replace(loaded, node=None, diagnostics=(*loaded.diagnostics, problem))


def _environment(
    path: Path, name: str | None
) -> tuple[Environment | None, _Loaded | None, list[Diagnostic]]:
    if name is None:
        return None, None, []
    known = environments(path)
    if name not in known:
        from dagfactory.diagnostics.wording import did_you_mean

        remedy = did_you_mean(name, known, "known") or "add `specs/environments/NAME.yaml`"
        return None, None, [Diagnostic("DF110", f"unknown environment `{name}`", None, remedy)]
    folder = beside(path, "environments")
    if folder is None:
        return Environment(name), None, []
    file = next(folder / f"{name}{end}" for end in SUFFIXES if (folder / f"{name}{end}").exists())
    loaded = load_file(file)
    return Environment(name, loaded.node), loaded, []


def _environment_model(
    environment: Environment | None,
) -> tuple[EnvironmentFile | None, list[Diagnostic]]:
    if environment is None or environment.node is None:
        return None, []
    model, problems = validate_model(EnvironmentFile, environment.node)
    if model and model.environment != environment.name:
        span = environment.node.span_of(("environment",))
        message = f"the file of `{environment.name}` calls itself `{model.environment}`"
        return None, [Diagnostic("DF110", message, span, f"write `{environment.name}`")]
    return model, problems


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


def _naming_environments(problems: list[Diagnostic], path: Path) -> list[Diagnostic]:
    """Tell those who chose no environment which there are."""
    if not any(each.code == "DF113" for each in problems):
        return problems
    names = environments(path)
    remedy = (
        "choose one with `--env`: " + listing(names) if names else "add `environments/NAME.yaml`"
    )
    return [replace(each, help=remedy) if each.code == "DF113" else each for each in problems]


def _without_echoes(found: list[Diagnostic]) -> list[Diagnostic]:
    """Drop what a model says about a text that an earlier pass could not read."""
    causes = [each for each in found if each.code < _FIRST_OF_MODELS]
    places = [each.span for each in causes if each.span]
    lost_keys = any(each.code in {"DF104", "DF106"} for each in causes)
    return [
        each
        for each in found
        if each in causes
        or not ((lost_keys and each.code == "DF121") or touches(each.span, places))
    ]


def touches(span: Span | None, others: list[Span]) -> bool:
    """Whether a place lies in one of the others, or one of them in it."""
    return span is not None and any(span.holds(other) or other.holds(span) for other in others)
