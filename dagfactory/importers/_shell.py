"""Values that only a run knows, moved from the text of a command into its variables.

Only where the shell's own quoting is plain. In a text that another program reads as code (`-c`, `eval`, a
here-document) a variable would be no safer: such a command stays as it is, and `check` says what is wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from dagfactory.compiler.lint.injection import may_be_anything, variable
from dagfactory.diagnostics.wording import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dagfactory.diagnostics.span import Span
    from dagfactory.importers._values import ImportContext

Quotes = Literal["", "'", '"']

_PRINTED = re.compile(r"\{\{-?\s*(?P<expression>[^{}]*?)\s*-?\}\}")
_KEY = r"(?:\.(?:get\()?|\[)\s*['\"]?(?P<{}>\w+)"
_OF_A_RUN = re.compile(
    rf"params{_KEY.format('param')}|dag_run\.conf(?:{_KEY.format('conf')})?|(?:ti|task_instance)\.xcom_pull\b"
)
_OTHER_CODE = re.compile(
    r"\{%|<<|`|\$\(\(|\$'|(?:^|\s)#|\"[^\"]*\$\(|\s-\w*[ce]\s|"
    r"\b(?:eval|ssh|xargs|awk|sed|jq|perl|ruby|bq|psql|mysql|sqlite3|source)\b"
)
"""What has quotes or a language of its own."""

_TOKEN = re.compile(r"\\.|'\{\{[^{}]*\}\}'|\{\{.*?\}\}|['\"#]|.", re.DOTALL)


@dataclass(slots=True)
class _Command:
    """A command that is written anew: its variables with their texts, and their names by expression."""

    taken: set[str]
    params: Mapping[str, Any]
    variables: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def rewritten(self, command: str) -> str:
        """Return the command with variables in place of the values that a shell would run."""
        parts = list(_with_quotes(command))
        after = [*(token[:1] for token, _ in parts[1:]), ""]
        return "".join(
            self._part(token, quotes, following)
            for (token, quotes), following in zip(parts, after, strict=True)
        )

    def _part(self, token: str, quotes: Quotes, following: str) -> str:
        if token[:1] == token[-1:] == "'" and len(token) > 1:  # nothing else stands in these quotes
            inner = self._part(token[1:-1], quotes, "'")
            return token if inner == token[1:-1] else inner if quotes == "" else f"'{inner}'"
        found = _PRINTED.fullmatch(token)
        name = self._name(found["expression"]) if found and quotes != "'" else ""
        if not name:
            return token
        self.variables.setdefault(name, token)
        if quotes == "":
            return f'"${name}"'
        return f"$${{{name}}}" if re.match(r"\w", following) else f"${name}"

    def _name(self, expression: str) -> str:
        """Return a variable for an expression that can hold anything, '' for any other."""
        found = _OF_A_RUN.match(expression)
        if not found or (found["param"] and not self._is_open(found["param"])):
            return ""
        wanted = variable(found["param"] or found["conf"] or "value")
        if expression not in self.names:
            self.names[expression] = _free(wanted, self.taken | self.variables.keys())
        return self.names[expression]

    def _is_open(self, param: str) -> bool:
        schema = self.params.get(param)
        return schema is None or may_be_anything(schema["type"], schema)


def _free(wanted: str, taken: set[str]) -> str:
    found, count = wanted, 1
    while found in taken:
        count += 1
        found = f"{wanted}_{count}"
    return found


def _with_quotes(command: str) -> Iterator[tuple[str, Quotes]]:
    """Yield the parts of a command, each with the quotes that it stands in."""
    quotes: Quotes = ""
    for token in _TOKEN.findall(command):
        yield token, quotes
        if token in ("'", '"') and quotes in ("", token):
            quotes = "" if quotes else token


def out_of_the_command(made: dict[str, Any], span: Span, context: ImportContext) -> None:
    """Move the values of a run out of the command of a `bash` task; each is a remark."""
    command = made["command"]
    if _OTHER_CODE.search(command):
        return
    # any word of the command may be a variable that it sets or reads
    taken = {*made.get("env", ()), *re.findall(r"\w+", command)}
    rewriting = _Command(taken, context.params)
    made["command"] = rewriting.rewritten(command)
    for name, written in rewriting.variables.items():
        made.setdefault("env", {})[name] = written
        message = f"what `{shorten(written)}` holds is one word of the command, and never run"
        remedy = "put it back where it has to be several words, or a command"
        context.add("changed", message, span, remedy)
