"""astronomer/dag-factory 1.x: one YAML file with any number of DAGs and a `default:` block.

https://github.com/astronomer/dag-factory/tree/main/docs describes what its loader does with a file.
Nothing that the file names is imported, called or expanded here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dagfactory.diagnostics.wording import shorten
from dagfactory.importers import Imported, Outcome
from dagfactory.importers._comments import Comments
from dagfactory.importers._dag import build_pipeline
from dagfactory.importers._groups import valid_ids
from dagfactory.importers._merge import with_defaults
from dagfactory.importers._remarks import (
    BrokenError,
    NotDataError,
    Remark,
    from_diagnostic,
    sorted_remarks,
)
from dagfactory.importers._values import TYPE, ImportContext
from dagfactory.importers._write import CommentedMap, write
from dagfactory.importers._yaml11 import load

if TYPE_CHECKING:
    from dagfactory.diagnostics.diagnostic import Diagnostic
    from dagfactory.diagnostics.source import SourceFile
    from dagfactory.diagnostics.span import Span
    from dagfactory.document.node import Node

_DEFAULT = "default"
_NOT_DAGS = frozenset({_DEFAULT, "task_groups"})
_TODO = frozenset({"no-equivalent", "not-called"})
_OF_TEMPLATES = frozenset({"DF350", "DF351", "DF352"})


def read(source: SourceFile, defaults: Sequence[SourceFile]) -> Imported:
    """Turn every DAG of a file into a spec; `defaults` are its `defaults.yml`, the strongest last."""
    root, remarks = _root(source)
    files: list[Node] = []
    for each in defaults:
        found, more = _root(each)
        files += [found] if found else []
        remarks += more
    if root is None or not isinstance(root.value, dict) or any(_serious(remarks)):
        return Imported((), sorted_remarks(remarks))
    comments = Comments(source, root)
    default, keys, nodes = root.child(_DEFAULT), root.keys, root.value
    ids = valid_ids(name for name in nodes if name not in _NOT_DAGS)
    dags = (_Dag(name, ids[name], keys[name], nodes[name]) for name in nodes if name in ids)
    outcomes = tuple(each.outcome(default, files, comments) for each in dags)
    return Imported(outcomes, sorted_remarks(remarks))


def _root(source: SourceFile) -> tuple[Node | None, list[Remark]]:
    """Load one file; with remarks where it cannot be imported."""
    root, problems = load(source)
    remarks = [from_diagnostic(each) for each in problems]
    if not remarks and (root is None or not isinstance(root.value, dict)):
        span = root.span if root else None
        remarks.append(Remark("not-a-dag", "the file is not a mapping of DAGs", span))
    elif root and (pipeline := root.child("pipeline")) and isinstance(pipeline.value, str):
        span = root.span_of(("pipeline",), key=True)
        remarks.append(Remark("not-a-dag", "the file is a spec already", span))
    return root, remarks


def _serious(remarks: list[Remark]) -> list[Remark]:
    return [each for each in remarks if each.severity == "error"]


class _Dag:
    """One DAG on its way from the source to a spec."""

    def __init__(self, name: str, pipeline: str, key: Span, node: Node) -> None:
        self.name = name
        self.pipeline = pipeline
        self.key = key
        self.node = node

    def outcome(self, default: Node | None, files: list[Node], comments: Comments) -> Outcome:
        """Return the spec and the remarks; without a spec where it cannot be made."""
        context = ImportContext(comments)
        if not isinstance(self.node.value, dict) or TYPE in self.node.value:
            message = f"`{shorten(self.name)}` is not a DAG"
            return self._failed(Remark("not-a-dag", message, self.key), context)
        if self.name != self.pipeline:
            remedy = "ids are a-z, 0-9 and `_`; Airflow keeps the old DAG's history apart"
            message = f"DAG `{shorten(self.name)}` becomes `{self.pipeline}`"
            context.add("renamed", message, self.key, remedy)
        dag = with_defaults(self.node, default, files)
        try:
            made = build_pipeline(self.pipeline, dag, context)
        except BrokenError as error:
            return self._failed(error.remark, context)
        except NotDataError as error:
            return self._failed(Remark("broken", error.reason, error.span), context)
        _old_names(dag, context)
        text = write(made, self._header(made, context))
        problems = self._problems(text)
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

    def _problems(self, text: str) -> list[Remark]:
        """Check the spec as `dagfactory check` does, without an environment."""
        from dagfactory.compiler.compile import compile_parsed
        from dagfactory.compiler.parse import parse_text
        from dagfactory.diagnostics.source import SourceFile

        source = SourceFile(f"{self.pipeline}.yaml", text)
        found = compile_parsed(parse_text(source), None).diagnostics
        return [self._problem(each) for each in found if each.severity == "error"]

    def _problem(self, found: Diagnostic) -> Remark:
        # a template is the author's text, to be mended in the spec that was made
        code = "template" if found.code in _OF_TEMPLATES else "not-valid"
        return Remark(code, found.message, self.key, found.help)


def _blocks(block: CommentedMap) -> list[CommentedMap]:
    """Return a mapping and all below it that may hold comments."""
    inner = [each for each in block.values() if isinstance(each, CommentedMap)]
    return [block, *(found for each in inner for found in _blocks(each))]


def _old_names(dag: Node, context: ImportContext) -> None:
    """Report templates that name a task by an id that had to change."""
    changed = [old for old, new in context.ids.items() if old != new]
    for _, node in dag.walk() if changed else ():
        value = node.value if isinstance(node.value, str) and "{{" in node.value else ""
        for old in changed:
            if f"'{old}'" in value or f'"{old}"' in value:
                remedy = f"write `{context.ids[old]}`"
                context.add("renamed", f"a template names `{shorten(old)}`", node.span, remedy)
