"""What a YAML syntax error means and how to repair it, in the words of somebody who writes YAML."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from dagfactory.diagnostics.diagnostic import Diagnostic, Label
from dagfactory.diagnostics.source import SourceFile
from dagfactory.diagnostics.span import Span


@dataclass(frozen=True, slots=True)
class _Rule:
    """A pattern over the parser's words (`context; problem`), and ours."""

    pattern: str
    message: str
    remedy: str | None = None
    at_context: bool = False


_QUOTE_IT = "quote the value if the colon belongs to it"
_RULES = [
    _Rule(
        "mapping values are not allowed",
        "a second `:` where a value should end",
        f"{_QUOTE_IT}; otherwise check the indentation",
    ),
    _Rule(
        "unexpected document indicator",
        "`---` or `...` begins a line inside quotes",
        "indent the line",
    ),
    _Rule(
        "expected node content",
        "a value is missing here, or begins with a character that none begins with",
        "quote the value if the character belongs to it",
    ),
    _Rule(
        "unexpected ':'",
        "a `:` where none can stand",
        "put a space after it, or quote the value if the colon belongs to it",
    ),
    _Rule(
        "quoted scalar; .*(end of stream|document separator)",
        "this quote is never closed",
        "close it",
        at_context=True,
    ),
    _Rule(
        "unknown escape character",
        "unknown escape in double quotes",
        r"write `\\` for a backslash, or use single quotes",
    ),
    _Rule(
        "(hexdecimal|hexadecimal)|invalid Unicode character escape|UnicodeEncodeError|surrogates",
        "bad character escape in double quotes",
        r"write it as `\uXXXX` with four hexadecimal digits",
    ),
    _Rule(
        "flow sequence",
        "a `]` or `,` is missing",
        "close the list that opens here, or add a comma",
        at_context=True,
    ),
    _Rule(
        "flow mapping",
        "a `}` or `,` is missing",
        "close the mapping that opens here, or add a comma",
        at_context=True,
    ),
    _Rule("simple key", "a `:` is missing after this key", "write `key: value`", at_context=True),
    _Rule(
        "block mapping",
        "this line does not fit the mapping around it",
        "line it up with its sibling keys, and check that each has a `:`",
    ),
    _Rule(
        "block collection",
        "this line does not fit the list around it",
        "line its `-` up with the others",
    ),
    _Rule(
        "block sequence entries",
        "a list cannot begin here",
        "put the `- ` on its own line, below the key",
    ),
    _Rule(
        "block scalar",
        "bad header of a `|` or `>` text",
        "write `|`, `>`, `|-` or `>-` and nothing else on that line",
    ),
    _Rule(
        "alias",
        "`*` begins an alias, but no name follows",
        "quote the value if the `*` belongs to it",
    ),
    _Rule(
        "anchor",
        "`&` begins an anchor, but no name follows",
        "quote the value if the `&` belongs to it",
    ),
    _Rule(
        "tag|undefined tag handle",
        "`!` begins a tag, and tags are not used here",
        "quote the value if the `!` belongs to it",
    ),
    _Rule(
        "directive|incompatible YAML",
        "`%` begins a directive, and directives are not used here",
        "delete the line, or quote the value",
    ),
    _Rule(
        "document start",
        "text after the end of the document",
        "one pipeline per file; delete `...` and what follows",
    ),
    _Rule("tab character", "a tab cannot indent", "use spaces"),
    _Rule(
        "block end|block entry|block mapping start",
        "this does not fit the indentation around it",
        "check the indentation",
    ),
]
_STARTERS = {
    "\t": ("a tab cannot indent", "use spaces"),
    "@": ("a value cannot begin with `@`", "quote it"),
    "`": ("a value cannot begin with a backquote", "quote it"),
    "%": ("a value cannot begin with `%`", "quote it"),
}


def explain(error: Exception, source: SourceFile) -> Diagnostic:
    """Turn an exception of PyYAML's scanner or parser into a DF102 diagnostic."""
    context = getattr(error, "context", None) or ""
    problem = getattr(error, "problem", None) or str(error).split("\n", 1)[0]
    mark = getattr(error, "problem_mark", None)
    context_mark = getattr(error, "context_mark", None)
    span = _place(mark or context_mark, source)
    if "cannot start any token" in problem:
        message, remedy = _starter(source.line(span.line)[span.column - 1 :])
        return Diagnostic("DF102", message, span, remedy)
    rule = next((each for each in _RULES if re.search(each.pattern, f"{context}; {problem}")), None)
    if rule is None:
        return Diagnostic("DF102", f"this is not valid YAML: {problem}", span)
    labels: tuple[Label, ...] = ()
    if context_mark and rule.at_context:
        span, noticed = _place(context_mark, source), span
        if span.line < noticed.line < _last_line(source):
            labels = (Label(noticed, "noticed here"),)
    return Diagnostic("DF102", rule.message, span, rule.remedy, labels=labels)


def _starter(rest: str) -> tuple[str, str]:
    first = rest[:1]
    if first in _STARTERS:
        return _STARTERS[first]
    return f"a value cannot begin with `{first}`", "quote it"


def _last_line(source: SourceFile) -> int:
    """Return the number of the last line that is not blank."""
    return max((at for at, text in enumerate(source.lines, 1) if text.strip()), default=1)


def _place(mark: Any, source: SourceFile) -> Span:
    """Return the one character at a mark; a mark beyond the text stands for its last character."""
    if mark is None:
        return Span(source.name, 1, 1, 1, 2)
    line, column = mark.line + 1, mark.column + 1
    if line > _last_line(source):
        line = _last_line(source)
        column = max(1, len(source.line(line).rstrip()))
    return Span(source.name, line, column, line, column + 1)
