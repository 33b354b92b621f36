"""astronomer/dag-factory 1.x: one YAML file with any number of DAGs and a `default:` block.

https://github.com/astronomer/dag-factory/tree/main/docs describes what its loader does with a file.
Nothing that the file names is imported, called or expanded here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dagfactory.compiler.foreign import foreign_kind
from dagfactory.diagnostics.wording import shorten
from dagfactory.importers import Imported, Options, Outcome, Source
from dagfactory.importers._comments import Comments
from dagfactory.importers._dag import build_pipeline
from dagfactory.importers._groups import valid_ids
from dagfactory.importers._merge import deep_merge, with_defaults
from dagfactory.importers._remarks import (
    BrokenError,
    NotDataError,
    Remark,
    from_diagnostic,
    sorted_remarks,
)
from dagfactory.importers._renames import Renames, task_renames
from dagfactory.importers._values import TYPE, ImportContext, items
from dagfactory.importers._write import CommentedMap, write
from dagfactory.importers._yaml11 import load, yaml11_value

if TYPE_CHECKING:
    from dagfactory.diagnostics.diagnostic import Diagnostic
    from dagfactory.diagnostics.source import SourceFile
    from dagfactory.diagnostics.span import Span
    from dagfactory.document.node import Node

_DEFAULT = "default"
_NOT_DAGS = frozenset({_DEFAULT, "task_groups"})
_TODO = frozenset({"no-equivalent", "not-called"})
_EXTENDS = "__extends__"
_OF_OPERATORS = frozenset({"DF330", "DF360", "DF361"})
_OF_TEMPLATES = frozenset({"DF350", "DF351", "DF352"})


def read(sources: Sequence[Source], options: Options) -> list[Imported]:
    """Turn every DAG of each file into a spec."""
    files = [_File(each) for each in sources]
    renames = Renames(
        {old: new for each in files for old, new in each.ids.items() if old != new},
        {name: task_renames(dag) for each in files for name, dag in each.dags.items()},
    )
    return [each.imported(renames, options) for each in files]


class _File:
    """One file of the source's tool with the files of defaults that hold for it."""

    def __init__(self, source: Source) -> None:
        self.root, self.remarks = _root(source.file)
        self.file = source.file
        self.ids: dict[str, str] = {}
        self.dags: dict[str, Node] = {}
        defaults: list[Node] = []
        for each in source.defaults:
            found, more = _root(each)
            defaults += [found] if found else []
            self.remarks += more
        if self.root and isinstance(self.root.value, dict) and not any(_serious(self.remarks)):
            names = [name for name in self.root.value if name not in _NOT_DAGS]
            bases = _bases(self.root)
            self.ids = valid_ids(name for name in names if name not in bases)
            self.dags = {name: self._whole(name, defaults) for name in names if name in self.ids}

    def _whole(self, name: str, defaults: list[Node]) -> Node:
        """Return a DAG with all that it inherits."""
        root = self.root
        if root is None or not isinstance(root.value, dict):
            raise TypeError(name)
        own = root.value[name]
        if not isinstance(own.value, dict):
            return own
        for base in _extended(own):
            found = root.child(base)
            own = deep_merge(own, found) if found else own
        return with_defaults(own, root.child(_DEFAULT), defaults)

    def imported(self, renames: Renames, options: Options) -> Imported:
        """Return the specs of its DAGs."""
        if self.root is None or not self.ids:
            return Imported((), sorted_remarks(self.remarks))
        if not any(each.child("tasks") for each in self.dags.values()):
            nothing = Remark(
                "not-a-dag", "the file holds no DAG: nothing has `tasks`", self.root.span
            )
            return Imported((), sorted_remarks([*self.remarks, nothing]))
        comments = Comments(self.file, self.root)
        dags = (
            _Dag(name, self.ids[name], self.root.keys[name], renames.applied(dag, name))
            for name, dag in self.dags.items()
        )
        outcomes = tuple(each.outcome(comments, options) for each in dags)
        return Imported(outcomes, sorted_remarks(self.remarks))


def _extended(dag: Node) -> list[str]:
    """Return the names of the blocks that a DAG extends, the strongest first."""
    found = dag.child(_EXTENDS)
    listed = items(found) if found else None
    names = listed if listed is not None else (found,) if found else ()
    return [str(yaml11_value(each)) for each in names][::-1]


def _bases(root: Node) -> set[str]:
    """Return the names of blocks that others extend and that have no tasks of their own."""
    nodes = root.value.values() if isinstance(root.value, dict) else ()
    named = {name for each in nodes if isinstance(each.value, dict) for name in _extended(each)}
    return {name for name in named if root.find((name, "tasks")) is None}


def _root(source: SourceFile) -> tuple[Node | None, list[Remark]]:
    """Load one file; with remarks where it cannot be imported."""
    root, problems = load(source)
    remarks = [from_diagnostic(each) for each in problems]
    kind = foreign_kind(root) if root else None
    if root and kind and not any(each.child("tasks") for each in _top(root)):
        return root, [Remark("not-a-dag", f"the file looks like {kind}", root.span_of(("",)))]
    if not remarks and (root is None or not isinstance(root.value, dict)):
        span = root.span if root else None
        remarks.append(Remark("not-a-dag", "the file is not a mapping of DAGs", span))
    elif root and (pipeline := root.child("pipeline")) and isinstance(pipeline.value, str):
        span = root.span_of(("pipeline",), key=True)
        remarks.append(Remark("not-a-dag", "the file is a spec already", span))
    return root, remarks


def _top(root: Node) -> list[Node]:
    return list(root.value.values()) if isinstance(root.value, dict) else []


def _serious(remarks: list[Remark]) -> list[Remark]:
    return [each for each in remarks if each.severity == "error"]


class _Dag:
    """One DAG on its way from the source to a spec."""

    def __init__(self, name: str, pipeline: str, key: Span, node: Node) -> None:
        self.name = name
        self.pipeline = pipeline
        self.key = key
        self.node = node

    def outcome(self, comments: Comments, options: Options) -> Outcome:
        """Return the spec and the remarks; without a spec where it cannot be made."""
        context = ImportContext(comments, since=options.since)
        if not isinstance(self.node.value, dict) or TYPE in self.node.value:
            message = f"`{shorten(self.name)}` is not a DAG"
            return self._failed(Remark("not-a-dag", message, self.key), context)
        if self.name != self.pipeline:
            remedy = "ids are a-z, 0-9 and `_`; Airflow keeps the old DAG's history apart"
            message = f"DAG `{shorten(self.name)}` becomes `{self.pipeline}`"
            context.add("renamed", message, self.key, remedy)
        try:
            made = build_pipeline(self.pipeline, self.node, context)
        except BrokenError as error:
            return self._failed(error.remark, context)
        except NotDataError as error:
            return self._failed(Remark("broken", error.reason, error.span), context)
        text = write(made, self._header(made, context))
        problems = self._problems(text, context)
        remarks = sorted_remarks([*context.remarks, *problems])
        failed = any(each.severity == "error" for each in problems)
        return Outcome(self.name, self.pipeline, None if failed else text, remarks)

    def _failed(self, remark: Remark, context: ImportContext) -> Outcome:
        return Outcome(self.name, self.pipeline, None, sorted_remarks([*context.remarks, remark]))

    def _header(self, made: CommentedMap, context: ImportContext) -> list[str]:
        """Return the first lines: the source's place, its comment, and a TODO for each lost part."""
        place = "".join(each if each.isprintable() else "?" for each in self.key.file)
        lines = [f"# Imported from {place}:{self.key.line} (dag-factory, DAG {self.name})."]
        lines += context.comments.above(self.key.line)
        told = {
            line for block in _blocks(made) for n in block.comments.values() for line in n.above
        }
        todo = (
            f"# TODO {each.message}"
            for each in sorted_remarks(context.remarks)
            if each.code in _TODO
        )
        return lines + [line for line in dict.fromkeys(todo) if line not in told]

    def _problems(self, text: str, context: ImportContext) -> list[Remark]:
        """Check the spec as `dagfactory check` does, without an environment."""
        from dagfactory.compiler.compile import compile_parsed
        from dagfactory.compiler.parse import parse_text
        from dagfactory.diagnostics.source import SourceFile

        parsed = parse_text(SourceFile(f"{self.pipeline}.yaml", text))
        found = compile_parsed(parsed, None)
        return [
            self._problem(each, found.node, context)
            for each in found.diagnostics
            if each.severity == "error" or each.code in _OF_OPERATORS
        ]

    def _problem(self, found: Diagnostic, root: Node | None, context: ImportContext) -> Remark:
        # a template is the author's text, to be mended in the spec that was made
        code = "template" if found.code in _OF_TEMPLATES else "not-valid"
        code = "operator" if found.code in _OF_OPERATORS else code
        return Remark(code, found.message, self._place(found.span, root, context), found.help)

    def _place(self, span: Span | None, root: Node | None, context: ImportContext) -> Span:
        """Return the place in the source of what is wrong in the spec that was made."""
        around = (
            [path for path, each in root.walk() if span and each.span.holds(span)] if root else []
        )
        path = around[-1] if around else ()
        tasks = [step for step in path if step in context.places]
        if not tasks:
            return self.node.keys.get(str(path[0]), self.key) if path else self.key
        entry = context.places[str(tasks[-1])]
        inside = [entry.keys[str(step)] for step in path if str(step) in entry.keys]
        return inside[-1] if inside else entry.span


def _blocks(block: CommentedMap) -> list[CommentedMap]:
    """Return a mapping and all below it that may hold comments."""
    inner = [each for each in block.values() if isinstance(each, CommentedMap)]
    return [block, *(found for each in inner for found in _blocks(each))]
