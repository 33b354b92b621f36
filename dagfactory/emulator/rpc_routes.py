"""A row of the route table: one RPC and the REST call that means the same."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

_VARIABLE = re.compile(r"\{(\w+(?:\.\w+)*)=([^}]+)\}")


@dataclass(frozen=True)
class Method:
    """What is called, how it is written in REST, and what answers it.

    `path` is a google.api.http template, `body` the request field that is the JSON body
    ('' none, '*' the request itself); `call` takes the request message, gives the response.
    """

    service: str
    name: str
    verb: str
    path: str
    call: Callable[[Any], Any] = field(repr=False)
    body: str = ""
    request: str = ""

    @property
    def request_type(self) -> str:
        """The full protobuf name of the request message."""
        package = self.service.rsplit(".", 1)[0]
        return self.request or f"{package}.{self.name}Request"

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The path template as a regular expression; groups are numbered like `variables`."""
        text, at = "", 0
        for match in _VARIABLE.finditer(self.path):
            text += re.escape(self.path[at : match.start()]) + f"({_glob(match[2])})"
            at = match.end()
        return re.compile(text + re.escape(self.path[at:]))

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """The request fields bound by the path, dotted: ('parent',), ('endpoint.name',)."""
        return tuple(match[1] for match in _VARIABLE.finditer(self.path))


def _glob(template: str) -> str:
    return re.escape(template).replace(r"\*\*", ".+").replace(r"\*", "[^/:]+")
