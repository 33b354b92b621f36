"""Findings for people: the source line, carets under the mistake, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.source import Sources
from dagfactory.diagnostics.span import Span
from dagfactory.diagnostics.terminal import safe, visible, width
from dagfactory.report import Findings, Style
from dagfactory.report._redacted import redacted_sources

_COLORS = {"error": "1;31", "warning": "1;33", "gutter": "1;34", "help": "1;36", "bold": "1"}
_CONTEXT = 12
"""Cells kept visible before the caret when a line is cut."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """A span to show, the sign that underlines it, and a text behind the signs."""

    span: Span
    sign: str
    text: str = ""


def text(findings: Findings, style: Style) -> str:
    """Return one block per finding, at most `style.limit` of them."""
    shown = findings.diagnostics[: style.limit or None]
    sources = redacted_sources(findings.diagnostics, findings.sources)
    blocks = [block(each, sources, style) for each in shown]
    left = len(findings.diagnostics) - len(shown)
    if left:
        blocks.append(f"and {left} more; `--limit 0` shows all\n")
    return "\n".join(blocks)


def block(diagnostic: Diagnostic, sources: Sources, style: Style) -> str:
    """Return one finding with its source lines."""
    title = _paint(f"{diagnostic.severity}[{diagnostic.code}]", diagnostic.severity, style)
    head = f"{diagnostic.severity}[{diagnostic.code}]: "
    first, *rest = _wrap(safe(diagnostic.message, style.encoding), len(head), style)
    lines = [f"{title}{_paint(f': {first}', 'bold', style)}"]
    lines += [_paint(" " * len(head) + each, "bold", style) for each in rest]
    marks = _marks(diagnostic)
    gutter = max((len(str(each.span.line)) for each in marks), default=1)
    for file in dict.fromkeys(each.span.file for each in marks):
        here = [each for each in marks if each.span.file == file]
        lines += _file_lines(here, gutter, sources, style)
    lines += _advice("help", (diagnostic.help,) if diagnostic.help else (), gutter, style)
    lines += _advice("note", diagnostic.notes, gutter, style)
    return "\n".join(lines) + "\n"


def _marks(diagnostic: Diagnostic) -> list[_Mark]:
    primary = [_Mark(diagnostic.span, "^")] if diagnostic.span else []
    return primary + [_Mark(each.span, "-", each.text) for each in diagnostic.labels]


def _file_lines(marks: list[_Mark], gutter: int, sources: Sources, style: Style) -> list[str]:
    """Return the arrow to the first mark and the marked lines of one file in order."""
    span = marks[0].span
    arrow = "-->" if marks[0].sign == "^" else ":::"
    place = f"{safe(span.file, style.encoding)}:{span.line}:{span.column}"
    lines = [f"{' ' * gutter} {_paint(arrow, 'gutter', style)} {place}"]
    source = sources.get(span.file)
    if source is None:
        return lines
    lines.append(_gutter("", gutter, style).rstrip())
    previous = 0
    for mark in sorted(marks, key=lambda each: (each.span.line, each.span.column)):
        line = mark.span.line
        if previous and line > previous + 1:
            lines.append(_paint("...", "gutter", style))
        shown, under = _underlined(source.line(line), mark, gutter, style)
        if line != previous:
            lines.append(_gutter(str(line), gutter, style) + shown)
        lines.append(_gutter("", gutter, style) + under)
        previous = line
    return lines


def _underlined(line: str, mark: _Mark, gutter: int, style: Style) -> tuple[str, str]:
    """Return a source line, cut to the width of the report, and the signs below it."""
    span = mark.span
    end = span.end_column if span.end_line == span.line else len(line) + 1
    pieces = [visible(each, style.encoding) for each in line]
    before = sum(map(width, pieces[: span.column - 1]))
    length = max(1, sum(map(width, pieces[span.column - 1 : end - 1])))
    room = style.width - gutter - 3
    shown, cut = _window(pieces, before, room, style)
    signs = mark.sign * max(1, min(length, room - (before - cut)))
    color = "error" if mark.sign == "^" else "gutter"
    texts = f"{signs} {safe(mark.text, style.encoding)}" if mark.text else signs
    return shown, " " * (before - cut) + _paint(texts, color, style)


def _window(pieces: list[str], before: int, room: int, style: Style) -> tuple[str, int]:
    """Return the part of a line that fits, and the cells by which the caret moves to the left."""
    line = "".join(pieces)
    if width(line) <= room:
        return line.rstrip(), 0
    dots = "…" if visible("…", style.encoding) == "…" else "~"
    if before < room - _CONTEXT:
        return _cut(pieces, room - 1) + dots, 0
    skipped, cells = 0, 0
    while cells < before - _CONTEXT:
        cells += width(pieces[skipped])
        skipped += 1
    rest = pieces[skipped:]
    tail = "" if width("".join(rest)) <= room - 1 else dots
    return dots + _cut(rest, room - 1 - len(tail)) + tail, cells - 1


def _cut(pieces: list[str], room: int) -> str:
    kept, cells = [], 0
    for piece in pieces:
        cells += width(piece)
        if cells > room:
            break
        kept.append(piece)
    return "".join(kept)


def _advice(kind: str, texts: tuple[str, ...], gutter: int, style: Style) -> list[str]:
    lines = []
    for each in texts:
        head = f"{' ' * gutter} = {kind}: "
        first, *rest = _wrap(safe(each, style.encoding), len(head), style)
        label = _paint(f"{kind}:", "help" if kind == "help" else "bold", style)
        lines.append(f"{' ' * gutter} {_paint('=', 'gutter', style)} {label} {first}")
        lines += [" " * len(head) + more for more in rest]
    return lines


def _wrap(text: str, indent: int, style: Style) -> list[str]:
    """Break a text into lines that fit behind an indent; words are never cut."""
    lines, current = [], ""
    for word in text.split(" "):
        longer = f"{current} {word}" if current else word
        if current and width(longer) > style.width - indent:
            lines.append(current)
            current = word
        else:
            current = longer
    return [*lines, current]


def _gutter(number: str, gutter: int, style: Style) -> str:
    return _paint(f"{number:>{gutter}} |", "gutter", style) + " "


def _paint(text: str, color: str, style: Style) -> str:
    return f"\x1b[{_COLORS[color]}m{text}\x1b[0m" if style.color and text else text
