"""Values of an environment file that anybody may read: a secret is refused, and its report hides it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator

from dagfactory.diagnostics.redact import secret_kind, speaks_of_secret
from dagfactory.language.common import bad

_ELSEWHERE = "store it in Secret Manager, which Airflow reads it from, and delete it here"


def _plain(text: str) -> str:
    kind = secret_kind(text)
    if kind:
        raise bad(f"this looks like {kind}", _ELSEWHERE, hidden=True)
    return text


PlainText = Annotated[str, AfterValidator(_plain)]
"""A text that holds no secret of a known shape."""


def without_secrets(values: dict[str, Any]) -> dict[str, Any]:
    """Refuse nested values of which name or shape says that they are secret."""
    _look(values, ())
    return values


def _look(value: Any, path: tuple[str | int, ...]) -> None:
    match value:
        case dict():
            for name, each in value.items():
                _look(each, (*path, name))
        case list():
            for index, each in enumerate(value):
                _look(each, (*path, index))
        case str() if value:
            named = bool(path) and speaks_of_secret(str(path[-1]))
            kind = "a secret" if named else secret_kind(value)
            if kind:
                raise bad(f"this looks like {kind}", _ELSEWHERE, path, hidden=True)
