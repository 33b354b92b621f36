"""The comments of a YAML text, found by the lines of the keys and values that they belong to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagfactory.diagnostics.source import SourceFile
    from dagfactory.diagnostics.span import Span
    from dagfactory.document.node import Node

_BESIDE = re.compile(r"[,\s]*(#.*\S)\s*\Z")
_MARKER = re.compile(r"#\W*(?:-8<-|8<)")


class Comments:
    """Own-line comments directly above a line, and the comment at the end of a line."""

    def __init__(self, source: SourceFile, root: Node) -> None:
        self.source = source
        # a `#` on a later line of a text of several lines is part of the text
        self.inside = {
            line
            for _, node in root.walk()
            if isinstance(node.value, str)
            for line in range(node.span.line + 1, node.span.end_line + 1)
        }

    def above(self, line: int) -> list[str]:
        """Return the comment lines directly above a line, without their indent."""
        found: list[str] = []
        while line > 1 and line - 1 not in self.inside:
            line -= 1
            text = self.source.line(line).strip()
            if not text.startswith("#"):
                break
            found.append(text)
        return [each for each in reversed(found) if not _MARKER.match(each)]

    def beside(self, span: Span) -> str:
        """Return the comment behind a value on its last line, or an empty text."""
        if span.end_line in self.inside:
            return ""
        rest = self.source.line(span.end_line)[span.end_column - 1 :]
        found = _BESIDE.match(rest) if rest[:1] in {"", " ", "\t", ",", "]", "}"} else None
        return found[1] if found else ""
