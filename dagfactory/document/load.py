"""Bytes to nodes: YAML events under limits, built without recursion.

PyYAML's own composer recurses in C and dies on deep nesting (the process, not an exception), keeps
the last of two equal keys and speaks YAML 1.1; its event stream has none of these faults.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from dagfactory.diagnostics.diagnostic import Diagnostic, Label
from dagfactory.diagnostics.limits import DEPTH, FINDINGS, NODES
from dagfactory.diagnostics.source import SourceFile
from dagfactory.diagnostics.span import Span
from dagfactory.diagnostics.wording import shorten
from dagfactory.document import hidden_characters as characters
from dagfactory.document.node import Node
from dagfactory.document.scalar_nodes import after_properties, bad_anchor, key_problem, scalar_node

# the C parser is 20 times as fast; a PyYAML that was built without libyaml does not have it
EMPTY = "the file is empty"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _StopError(Exception):
    """The document cannot be read on."""


@dataclass(slots=True)
class _Frame:
    """A list or mapping that is still open."""

    event: Any
    span: Span
    values: dict[str, Node] | list[Node]
    anchor: str | None
    keys: dict[str, Span] = field(default_factory=dict)
    key: str | None = None
    key_span: Span | None = None
    expects_key: bool = True
    is_key: bool = False
    last: Span | None = None
    size: int = 1
    height: int = 1


@dataclass(slots=True)
class _Anchor:
    """What an alias stands for; `node` is None while its text is still being read."""

    node: Node | None
    span: Span
    size: int = 1
    height: int = 0


def load(source: SourceFile) -> tuple[Node | None, list[Diagnostic]]:
    """Build the tree of a document; None when there is no tree to speak of.

    Anything that can be wrong with the text becomes a diagnostic, as many as can be told at once.
    """
    problems = characters.forbidden(source)
    if problems:
        return None, problems
    builder = _Builder(source)
    return builder.run(), builder.problems


def _ended(text: str) -> str:
    """Return the text with a last line break, without which PyYAML cuts a block text short."""
    return text if text.endswith(("\n", "\r")) else f"{text}\n"


class _Builder:
    """Turns events into nodes, checking limits and everything YAML allows but specs do not."""

    def __init__(self, source: SourceFile, loader: Any = _LOADER) -> None:
        self.source = source
        self.loader = loader
        self.problems: list[Diagnostic] = []
        self.stack: list[_Frame] = []
        self.anchors: dict[str, _Anchor] = {}
        self.root: Node | None = None
        self.nodes = 0
        self.documents = 0
        self.quoted: list[tuple[int, int]] = []
        self.has_hidden = characters.has_hidden(source.text)

    def run(self) -> Node | None:
        """Consume all events; return the root, or None when reading stopped early."""
        try:
            for event in self._events():
                _HANDLERS.get(type(event), _Builder.ignore)(self, event)
        except _StopError:
            self.root = None
        if self.has_hidden:
            self._report_hidden()
        return self.root

    def _report_hidden(self) -> None:
        """Add hidden characters; a syntax error on the line of one is its consequence."""
        found = characters.hidden(self.source, self.quoted)
        lines = {each.span.line for each in found if each.span}
        self.problems = [
            each
            for each in self.problems
            if not (each.code == "DF102" and each.span and each.span.line in lines)
        ]
        self.problems += found

    def _events(self) -> Iterator[Any]:
        try:
            reader = self.loader(_ended(self.source.text))
            while reader.check_event():
                yield reader.get_event()
        # for an escape beyond Unicode (`"\\UFFFFFFFF"`) PyYAML's Python parser raises the latter two
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            from dagfactory.document.syntax_errors import explain

            self.problems.append(explain(error, self.source))
            raise _StopError from None
        if not self.documents:
            span = Span(self.source.name, 1, 1, 1, 1)
            self._report("DF102", EMPTY, span, "start with `pipeline: my_pipeline`")

    def ignore(self, event: Any) -> None:
        """Stream and document ends carry nothing."""

    def document(self, event: Any) -> None:
        """Accept one document without directives."""
        self.documents += 1
        if self.documents > 1:
            self._report(
                "DF104", "a second document in one file", self._span(event), "one pipeline per file"
            )
            raise _StopError
        if event.version or event.tags:
            remedy = "delete the line: specs are always read as YAML 1.2"
            self._report("DF104", "directives (`%`) are not used here", self._span(event), remedy)

    def scalar(self, event: Any) -> None:
        """Add a key or a value."""
        span = self._value_span(event)
        if self.has_hidden and event.style in {"'", '"'}:
            self.quoted.append((event.start_mark.index, event.end_mark.index))
        if event.tag:
            self._tagged(event)
        frame = self.stack[-1] if self.stack else None
        if frame and frame.expects_key and isinstance(frame.values, dict):
            self._key(frame, event, span)
            return
        node, problem = scalar_node(event, span, self.source, frame.key_span if frame else None)
        if problem:
            self._problem(problem)
        if event.anchor:
            self._register(event.anchor, node, 1, 0)
        self._add(node, 1, 0)

    def _key(self, frame: _Frame, event: Any, span: Span) -> None:
        frame.expects_key = False
        frame.key, frame.key_span = None, span
        problem = key_problem(event, span, self.source.text)
        if problem:
            self._problem(problem)
        elif event.value in frame.keys:
            first = Label(frame.keys[event.value], "first written here")
            message = f"key `{shorten(event.value)}` is given twice"
            self._problem(Diagnostic("DF103", message, span, "keep one of them", labels=(first,)))
            if event.value in frame.values and frame.values[event.value].value is None:
                frame.key = event.value  # a line that was doubled: the value follows the second one
        else:
            frame.key = event.value
            frame.keys[event.value] = span
        if event.anchor:
            self._register(event.anchor, Node(event.value, span, {}, quoted=True), 1, 0)

    def alias(self, event: Any) -> None:
        """Add what an alias stands for, counted as if it were written out."""
        span = self._span(event)
        anchor = self.anchors.get(event.anchor)
        if anchor is None or anchor.node is None:
            self._bad_alias(event.anchor, anchor, span)
            anchor = _Anchor(Node(None, span, {}), span)
        if len(self.stack) + anchor.height > DEPTH.most:
            self._too_deep(span)
        frame = self.stack[-1] if self.stack else None
        if frame and isinstance(frame.values, dict) and frame.expects_key:
            self._report("DF106", "a key cannot be an alias", span, "write the key out")
            frame.expects_key, frame.key, frame.key_span = False, None, span
            return
        if anchor.node:
            self._add(anchor.node, anchor.size, anchor.height, span)

    def _bad_alias(self, name: str, anchor: _Anchor | None, span: Span) -> None:
        if anchor:
            label = Label(anchor.span, "the value that would contain itself")
            message = f"`*{shorten(name)}` is used inside `&{shorten(name)}`"
            self._problem(Diagnostic("DF108", message, span, labels=(label,)))
            return
        from dagfactory.diagnostics.wording import did_you_mean

        remedy = did_you_mean(name, self.anchors, "defined so far")
        self._report("DF108", f"no `&{shorten(name)}` comes before it", span, remedy)

    def open(self, event: Any) -> None:
        """Begin a list or a mapping."""
        span = self._value_span(event)
        if event.tag:
            self._tagged(event)
        if len(self.stack) >= DEPTH.most:
            self._too_deep(span)
        values: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        frame = _Frame(event, span, values, event.anchor)
        parent = self.stack[-1] if self.stack else None
        if parent and isinstance(parent.values, dict) and parent.expects_key:
            self._report(
                "DF106", "a key must be text, not a list or mapping", *self._braces(event, span)
            )
            parent.expects_key, parent.key, parent.key_span = False, None, span
            frame.is_key = True
        if event.anchor:
            self.anchors[event.anchor] = _Anchor(None, span)
        self.stack.append(frame)

    def _braces(self, event: Any, span: Span) -> tuple[Span, str | None]:
        """Return the place and the repair of a list or mapping as a key: `{{ ds }}` lacks quotes."""
        start = event.start_mark.index
        if self.source.text[start - 1 : start + 1] != "{{":
            return span, None
        end = self.source.text.find("}}", start)
        template = " ".join(self.source.text[start - 1 : end + 2].split())
        outer = Span(span.file, span.line, span.column - 1, span.line, span.column + 1)
        return outer, f'quote templates: `"{shorten(template)}"`' if end > 0 else "quote templates"

    def close(self, event: Any) -> None:
        """End the list or mapping that was begun last."""
        frame = self.stack.pop()
        value = frame.values if isinstance(frame.values, dict) else tuple(frame.values)
        node = Node(value, self._whole(frame, event), frame.keys)
        if frame.anchor:
            self._register(frame.anchor, node, frame.size, frame.height)
        if not frame.is_key:
            self.nodes -= frame.size - 1  # its parts were counted when they were added
            self._add(node, frame.size, frame.height)

    def _whole(self, frame: _Frame, event: Any) -> Span:
        start = frame.span
        if frame.event.flow_style:
            end = event.end_mark
            return Span(start.file, start.line, start.column, end.line + 1, end.column + 1)
        last = frame.last or frame.key_span or start
        return Span(start.file, start.line, start.column, last.end_line, last.end_column)

    def _add(self, node: Node, size: int, height: int, at: Span | None = None) -> None:
        # an alias counts as what it stands for: nine lines of ten aliases name a billion values
        self.nodes += size
        if self.nodes > NODES.most:
            message = f"more than {NODES.most:,} values, aliases written out"
            self._report("DF107", message, node.span, "use a `sweep` instead of writing it all out")
            raise _StopError
        if not self.stack:
            self.root = node
            return
        frame = self.stack[-1]
        frame.last = at or node.span
        frame.size += size
        frame.height = max(frame.height, height + 1)
        if isinstance(frame.values, list):
            frame.values.append(node)
            return
        if frame.key is not None:
            frame.values[frame.key] = node
        frame.expects_key = True

    def _register(self, name: str, node: Node, size: int, height: int) -> None:
        self.anchors[name] = _Anchor(node, node.span, size, height)

    def _tagged(self, event: Any) -> None:
        span = self._at(event.start_mark)
        tag = event.tag.replace("tag:yaml.org,2002:", "!!")
        remedy = "delete it; quote the value if it must stay text"
        self._report("DF104", f"tags (`{shorten(tag)}`) are not used here", span, remedy)

    def _too_deep(self, span: Span) -> None:
        self._report("DF107", f"nested more than {DEPTH.most} levels deep", span)
        raise _StopError

    def _problem(self, problem: Diagnostic) -> None:
        self.problems.append(problem)
        if len(self.problems) >= FINDINGS.most:
            raise _StopError

    def _report(self, code: str, message: str, span: Span, remedy: str | None = None) -> None:
        self._problem(Diagnostic(code, message, span, remedy))

    def _at(self, mark: Any) -> Span:
        line, column = mark.line + 1, mark.column + 1
        return Span(self.source.name, line, column, line, column + 1)

    def _span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        return Span(
            self.source.name, start.line + 1, start.column + 1, end.line + 1, end.column + 1
        )

    def _value_span(self, event: Any) -> Span:
        """Return the place of a value without the tag and the anchor before it."""
        span = self._span(event)
        if not event.tag and not event.anchor:
            return span
        start = event.start_mark
        line, column = after_properties(self.source.text, start.index, span.line, span.column)
        if event.anchor:
            problem = bad_anchor(self.source.text, start.index, self._at(start))
            if problem:
                self._problem(problem)
        return Span(span.file, line, column, span.end_line, span.end_column)


_HANDLERS: dict[type, Any] = {
    yaml.DocumentStartEvent: _Builder.document,
    yaml.ScalarEvent: _Builder.scalar,
    yaml.AliasEvent: _Builder.alias,
    yaml.MappingStartEvent: _Builder.open,
    yaml.SequenceStartEvent: _Builder.open,
    yaml.MappingEndEvent: _Builder.close,
    yaml.SequenceEndEvent: _Builder.close,
}
