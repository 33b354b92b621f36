"""Remarks of an import: errors, what was not carried over, and what has another form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from dagfactory.diagnostics.diagnostic import Diagnostic
    from dagfactory.diagnostics.span import Span

Severity: TypeAlias = Literal["error", "warning", "note"]

CODES: dict[str, tuple[Severity, str]] = {
    "unreadable": ("error", "the file cannot be read as YAML"),
    "not-a-dag": ("error", "a top-level key that is not a DAG"),
    "broken": ("error", "something the source's own tool would refuse"),
    "refused": ("error", "something that cannot be honoured here; no spec was made"),
    "not-valid": ("error", "the spec that was made does not pass `dagfactory check`"),
    "no-equivalent": ("warning", "dagfactory has nothing for this yet; it was left out"),
    "not-called": ("warning", "an object that the source would build by calling code"),
    "changed": ("warning", "carried over with a different meaning"),
    "doubtful": ("warning", "carried over as it is written, which is hardly what was meant"),
    "operator": (
        "warning",
        "Airflow as it is installed here does not have the operator, or not so",
    ),
    "template": ("warning", "a template fails on Airflow 3; it was carried over as it is"),
    "environment": ("warning", "a text that the source's tool may replace from its environment"),
    "move-code": ("warning", "a function in a file that must become importable"),
    "renamed": ("warning", "a name that is not allowed here"),
    "ignored": ("note", "a key that the source's own tool ignores too"),
    "form": ("note", "another form, the same meaning"),
    "look": ("note", "the same unless the code behind it does something unusual"),
}
"""Every kind of remark: its severity and its meaning. Documented in docs/import.md."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One remark with its place in the source."""

    code: str
    message: str
    span: Span | None
    help: str | None = None

    @property
    def severity(self) -> Severity:
        """Return `error`, `warning` or `note`."""
        return CODES[self.code][0]

    def line(self) -> str:
        """Return `file:line:column: severity[code]: message (help)`."""
        span = self.span
        place = f"{span.file}:{span.line}:{span.column}: " if span else ""
        remedy = f" ({self.help})" if self.help else ""
        return f"{place}{self.severity}[{self.code}]: {self.message}{remedy}"


def from_diagnostic(diagnostic: Diagnostic) -> Remark:
    """Return a diagnostic of the loader as a remark."""
    return Remark("unreadable", diagnostic.message, diagnostic.span, diagnostic.help)


def sorted_remarks(remarks: list[Remark]) -> tuple[Remark, ...]:
    """Return the remarks in order of their places, each once."""

    def key(each: Remark) -> tuple[str, int, int, str, str]:
        span = each.span
        place = (span.file, span.line, span.column) if span else ("", 0, 0)
        return (*place, each.code, each.message)

    return tuple(dict.fromkeys(sorted(remarks, key=key)))


class BrokenError(Exception):
    """The DAG cannot be imported; raised by importers and caught by them."""

    def __init__(self, message: str, span: Span | None, remedy: str | None = None) -> None:
        super().__init__(message)
        self.remark = Remark("broken", message, span, remedy)


class NotDataError(Exception):
    """A value that YAML cannot hold: an object built by code, a function."""

    def __init__(self, reason: str, span: Span, code: str = "no-equivalent") -> None:
        super().__init__(reason)
        self.reason = reason
        self.span = span
        self.code = code
