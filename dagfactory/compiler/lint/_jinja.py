"""Templates through Jinja's own parser, whose tree says what they use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.ext import Extension
from jinja2.lexer import (
    TOKEN_COMMENT,
    TOKEN_COMMENT_BEGIN,
    TOKEN_COMMENT_END,
    TOKEN_RAW_BEGIN,
    TOKEN_RAW_END,
    TOKEN_WHITESPACE,
    Token,
)

from dagfactory.compiler.lint._template import Called, Template, Use, Where

if TYPE_CHECKING:
    from jinja2.lexer import TokenStream

_UNSEEN = (
    TOKEN_COMMENT,
    TOKEN_COMMENT_BEGIN,
    TOKEN_COMMENT_END,
    TOKEN_RAW_BEGIN,
    TOKEN_RAW_END,
    TOKEN_WHITESPACE,
)
"""What the lexer sees and the parser does not."""


class _Offsets(Extension):
    """Gives each token its offset in the text for the number of its line, and so each node of the tree."""

    source = ""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Keep the text."""
        del name, filename
        self.source = source
        return source

    def filter_stream(self, stream: TokenStream) -> Iterable[Token]:
        """Give every token its offset."""
        return map(self._numbered, stream, self._offsets())

    def _offsets(self) -> Iterator[int]:
        position = 0
        for _, kind, text in self.environment.lexer.tokeniter(self.source, None):
            # `-%}` eats white space, of which the lexer then says nothing
            position = max(position, self.source.find(text, position))
            if kind not in _UNSEEN:
                yield position
            position += len(text)

    @staticmethod
    def _numbered(token: Token, offset: int) -> Token:
        return Token(offset, token.type, token.value)


def read(text: str) -> Template:
    """Return what a text uses: nothing, where it cannot be read."""
    try:
        tree = Environment(extensions=["jinja2.ext.do", _Offsets], autoescape=True).parse(text)
        return _read(tree, text)
    # the plan reports what cannot be read; of what is only very deep nothing is said
    except (TemplateSyntaxError, RecursionError):
        return Template()


def _read(tree: nodes.Template, text: str) -> Template:
    own, spared = set(_own_names(tree)), set(_spared(tree))
    uses = tuple(
        use
        for use in _uses(tree, "always")
        if use.name not in own
        and not any(use.chain[: end + 1] in spared for end in range(len(use.chain)))
    )
    shown = (each for output in tree.find_all(nodes.Output) for each in output.nodes)
    printed = tuple(use for each in shown for use in _printed(each) if use.name not in own)
    return Template(uses, tuple(_called(tree, text)), printed)


def _own_names(tree: nodes.Template) -> Iterator[str]:
    """Yield the names that a template makes itself, and those of Jinja."""
    yield from ("caller", "kwargs", "loop", "self", "super", "varargs")
    yield from ("cycler", "dict", "joiner", "lipsum", "namespace", "range")
    for name in tree.find_all(nodes.Name):
        if name.ctx != "load":
            yield name.name
    for macro in tree.find_all(nodes.Macro):
        yield macro.name
    for module in tree.find_all(nodes.Import):
        yield module.target
    for taken in tree.find_all(nodes.FromImport):
        yield from (each if isinstance(each, str) else each[1] for each in taken.names)


def _spared(tree: nodes.Template) -> Iterator[tuple[str, ...]]:
    """Yield what a template itself asks for before using it: `x is defined`, `x | default('')`."""
    for test in tree.find_all(nodes.Test):
        if test.name in ("defined", "undefined") and (found := chain(test.node)):
            yield found.chain
    for each in tree.find_all(nodes.Filter):
        if each.name in ("default", "d") and each.node and (found := chain(each.node)):
            yield found.chain


def chain(node: nodes.Node, where: Where = "always") -> Use | None:
    """Return the variable that a node reads, with attributes that are written out, or None."""
    match node:
        case nodes.Name():
            return Use(node.name, node.lineno, (), where)
        case nodes.Getattr():
            key: object = node.attr
        case nodes.Getitem():
            key = _constant(node.arg)
        case nodes.Call(node=nodes.Getattr(attr="get"), args=[first, *_]):
            key = _constant(first)
        case _:
            return None
    below = chain(node.node, where)
    if below is None or not isinstance(key, str):
        return None
    return Use(below.name, below.start, (*below.keys, (key, node.lineno + 1)), where)


def _constant(node: nodes.Node) -> object:
    return node.value if isinstance(node, nodes.Const) else None


def _uses(node: nodes.Node, where: Where) -> Iterator[Use]:
    found = chain(node, where)
    if found:
        yield found
        yield from (use for each in _defaults(node) for use in _uses(each, where))
        return
    for child, of_child in _children(node, where):
        yield from _uses(child, of_child)


def _defaults(node: nodes.Node) -> Iterator[nodes.Node]:
    """Yield what stands behind the keys in calls of `get`."""
    while isinstance(node, nodes.Getattr | nodes.Getitem | nodes.Call):
        if isinstance(node, nodes.Call):
            yield from (*node.args[1:], *node.kwargs)
        node = node.node


def _children(node: nodes.Node, where: Where) -> Iterator[tuple[nodes.Node, Where]]:
    """Yield what a node is made of, and whether that is evaluated."""
    asked: Where = "maybe" if where == "maybe" else "asked"
    match node:
        case nodes.CondExpr() | nodes.If():
            first = node.test
        case nodes.And() | nodes.Or():
            first = node.left
        case nodes.For():
            first, asked = node.iter, where
        case nodes.Macro():
            yield from ((child, "maybe") for child in node.iter_child_nodes())
            return
        case _:
            yield from ((child, where) for child in node.iter_child_nodes())
            return
    for child in node.iter_child_nodes():
        yield child, asked if child is first else "maybe"


_FIXED_FORM = {"abs", "count", "float", "int", "length", "round", "sum", "wordcount"} | {
    *("ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz"),
    "urlencode",
}
"""Filters whose result is a number, a date, or has no character that a shell or SQL would obey."""


def _printed(node: nodes.Node) -> Iterator[Use]:
    """Yield the variables whose values stand in the text as they are."""
    found = chain(node)
    match node:
        case _ if found:
            yield found
        case nodes.Filter(name=name) if name in _FIXED_FORM:
            return
        case nodes.Compare() | nodes.Test() | nodes.Not():
            return
        case nodes.CondExpr():
            yield from _printed(node.expr1)
            yield from _printed(node.expr2) if node.expr2 else ()
        case nodes.Getitem():  # the key of a mapping only chooses
            yield from _printed(node.node)
        case nodes.Call() if (called := chain(node.node)) and called.name == "macros":
            return  # dates and numbers, or whatever a plugin makes of it
        case _:
            for child in node.iter_child_nodes():
                yield from _printed(child)


def _called(tree: nodes.Template, text: str) -> Iterator[Called]:
    """Yield the filters and tests of a template."""
    for each in tree.find_all(nodes.Filter):
        yield Called("filter", each.name, each.lineno)
    for test in tree.find_all(nodes.Test):
        # the place is that of `is`, and operators such as `==` are no tests here
        yield Called("test", test.name, max(text.find(test.name, test.lineno + 2), 0))
