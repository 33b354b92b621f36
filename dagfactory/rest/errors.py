"""Why a service gave no answer, in one line."""

from __future__ import annotations

from http import HTTPStatus

from dagfactory.diagnostics.diagnostic import DagfactoryError
from dagfactory.diagnostics.terminal import safe

_MOST = 400  # characters


class AnswerError(DagfactoryError):
    """No answer, a refusal, or something that is no answer; `status` is 0 without one.

    `remedy` is what to do about it, where that is known.
    """

    exit_code = 4

    def __init__(self, status: int, reason: str, remedy: str = "") -> None:
        # the text comes from a server, and a terminal would obey what it holds
        self.reason = safe(" ".join(reason.split()), "utf-8")[:_MOST]
        super().__init__("; ".join(filter(None, (self.reason, remedy))))
        self.status, self.remedy = status, remedy

    @property
    def is_missing(self) -> bool:
        """Return whether the server says that there is no such thing."""
        return self.status == HTTPStatus.NOT_FOUND


class NoCredentialsError(AnswerError):
    """This machine cannot say who asks."""

    exit_code = 2

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(0, reason, remedy)
