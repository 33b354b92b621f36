"""What the importers of hyperparameter searches share: a file with its remarks, and the spec made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from dagfactory.document.reference import escape
from dagfactory.importers import Imported, Outcome
from dagfactory.importers._comments import Comments
from dagfactory.importers._groups import slug
from dagfactory.importers._remarks import Remark, from_diagnostic, sorted_remarks
from dagfactory.importers._write import CommentedMap, write
from dagfactory.importers._yaml11 import load, yaml11_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dagfactory.diagnostics.diagnostic import Diagnostic
    from dagfactory.diagnostics.source import SourceFile
    from dagfactory.diagnostics.span import KeyPath, Span
    from dagfactory.document.node import Node

TASK = "search"
MACHINE = "n1-standard-8"
IMAGE = "us-docker.pkg.dev/vertex-ai/training/pytorch-gpu.2-4.py310:latest"
MOST_TRIALS = 10_000
"""The largest sweep that `check` lets pass."""
TRIALS = 20
"""Where a tool goes on until somebody stops it."""
_LATER = frozenset({"DF113", "DF230"})
"""What `check` says where the spec stands: of the environment and the files of its project."""


@dataclass(slots=True)
class Search:
    """A file on its way to a spec: its tree, the keys of the sweep so far, and the remarks.

    `path` is where a key of the source stands, as a tuple of keys and indices.
    """

    tool: str
    file: SourceFile
    root: Node
    remarks: list[Remark]
    sweep: CommentedMap = field(default_factory=CommentedMap)

    def add(self, code: str, path: KeyPath, message: str, remedy: str | None = None) -> None:
        """Record a remark on a key of the source."""
        shown = f"`{dotted(path)}`: {message}" if path else message
        place = self.root.span_of(path or ("",), key=True)
        self.remarks.append(Remark(code, shown, place, remedy))

    def refuse(self, path: KeyPath, reason: str, remedy: str | None = None) -> None:
        """Record what cannot be honoured: no spec comes of the file."""
        self.add("refused", path, reason, remedy)

    def broken(self, path: KeyPath, reason: str, remedy: str | None = None) -> None:
        """Record what the source's own tool refuses too."""
        self.add("broken", path, reason, remedy)

    def report(
        self,
        refused: Mapping[KeyPath, tuple[str, str]],
        left_out: Mapping[KeyPath, tuple[str, str]],
    ) -> None:
        """Record which keys of two tables are there: refused (why, what to do), left out (code, why)."""
        for path, (reason, remedy) in refused.items():
            if self.root.find(path):
                self.refuse(path, reason, remedy)
        for path, (code, message) in left_out.items():
            if self.root.find(path):
                self.add(code, path, message)

    def todo(self, key: str, value: Any, note: str) -> None:
        """Set a key of the sweep that its author has to look at."""
        self.sweep[key] = value
        self.sweep.comments_of(key).beside = f"# TODO {note}"

    def fields(self, path: KeyPath) -> dict[str, Node]:
        """Return the entries of a mapping of the source; none where there is none."""
        found = self.root.find(path)
        if found and isinstance(found.value, dict):
            return found.value
        if found and found.value is not None:
            self.broken(path, "it is not a mapping")
        return {}

    def items(self, path: KeyPath) -> Sequence[Node]:
        """Return the items of a list of the source; none where there is none."""
        found = self.root.find(path)
        if found and isinstance(found.value, tuple):
            return found.value
        if found and found.value is not None:
            self.broken(path, "it is not a list")
        return ()

    def value(self, path: KeyPath) -> Any:
        """Return a value of the source in YAML 1.2, or None."""
        found = self.root.find(path)
        return found.plain() if found else None

    def text(self, path: KeyPath) -> str:
        """Return a text of the source, empty where there is none."""
        found = self.value(path)
        return "" if found is None or isinstance(found, dict | list) else str(found)


def dotted(path: KeyPath) -> str:
    """Return a path as it is written: `spec.parameters[0].name`."""
    parts = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(parts).lstrip(".")


def read_file(
    source: SourceFile, tool: str, keys: tuple[str, ...], fill: Callable[[Search], str]
) -> Imported:
    """Return the spec of one file: `fill` sets the keys of the sweep and returns the name.

    `keys` are those without which a file is not one of the tool's.
    """
    root, problems = load(source)
    remarks = [from_diagnostic(each) for each in problems]
    if remarks or root is None:
        return Imported((), sorted_remarks(remarks))
    lacks = [key for key in keys if root.child(key) is None]
    if lacks:
        message = f"the file is not {tool}: it has no `{lacks[0]}`"
        return Imported((), (Remark("not-a-dag", message, root.span_of(("",))),))
    search = Search(tool, source, root, remarks)
    name = fill(search) or PurePath(source.name).stem
    return Imported((_outcome(search, name),))


def _outcome(search: Search, name: str) -> Outcome:
    pipeline = slug(name, {})
    if any(each.severity == "error" for each in search.remarks):
        return Outcome(name, pipeline, None, sorted_remarks(search.remarks))
    text = write(_pipeline(search, pipeline), _header(search))
    problems = _problems(search, pipeline, text)
    remarks = sorted_remarks([*search.remarks, *problems])
    return Outcome(name, pipeline, None if problems else text, remarks)


def _pipeline(search: Search, pipeline: str) -> CommentedMap:
    search.sweep.block_style = True
    tasks = CommentedMap({TASK: search.sweep})
    tasks.block_style = True
    return CommentedMap({"pipeline": pipeline, "tasks": tasks})


def _header(search: Search) -> list[str]:
    place = "".join(each if each.isprintable() else "?" for each in search.file.name)
    first = search.root.span_of(("",)).line
    return [
        f"# Imported from {place} ({search.tool}).",
        *Comments(search.file, search.root).above(first),
    ]


def _problems(search: Search, pipeline: str, text: str) -> list[Remark]:
    """Check the spec as `dagfactory check` does, without an environment."""
    from dagfactory.compiler.compile import compile_parsed
    from dagfactory.compiler.parse import parse_text
    from dagfactory.diagnostics.source import SourceFile

    found = compile_parsed(parse_text(SourceFile(f"{pipeline}.yaml", text)), None)
    wrong = [each for each in found.diagnostics if each.severity == "error"]
    return [_problem(search, each, found.node) for each in wrong if each.code not in _LATER]


def _problem(search: Search, found: Diagnostic, node: Node | None) -> Remark:
    """Return an error of the spec at the place in the source that has the same name."""
    walked = node.walk() if node and found.span else ()
    around = [path for path, each in walked if found.span and each.span.holds(found.span)]
    path, place = _origin(search, around[-1] if around else ())
    return Remark("not-valid", f"`{dotted(path)}`: {found.message}", place, found.help)


def _origin(search: Search, names: KeyPath) -> tuple[KeyPath, Span]:
    """Return the path and the place of the key in the source that is called as one in the spec."""
    for step in reversed(names):
        for path, each in search.root.walk():
            if str(step) in each.keys:
                return (*path, str(step)), each.keys[str(step)]
    return names or (TASK,), search.root.span_of(("",))


def plain11(node: Node) -> Any:
    """Return the value of a tree as PyYAML reads it."""
    if isinstance(node.value, dict):
        return {key: plain11(each) for key, each in node.value.items()}
    if isinstance(node.value, tuple):
        return [plain11(each) for each in node.value]
    return yaml11_value(node)


def literal(value: Any) -> Any:
    """Return a value whose `${` stays text for the compiler."""
    return escape(value) if isinstance(value, str) else value
