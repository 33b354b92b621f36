"""Addresses in Cloud Storage, split into the bucket and the name that operators want separately."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field

from dagfactory.diagnostics.wording import shorten
from dagfactory.document.reference import escape
from dagfactory.language.common import bad, listed

if TYPE_CHECKING:
    from dagfactory.task_api.context import LoweringContext

_HEAD = re.compile(r"gs://(?:\$\{[^}]*\}|\{\{.*?\}\}|[a-z0-9._-])+(?=/|$)")
_PARTS = re.compile(r"gs://((?:\{\{.*?\}\}|[^/{])+)(?:/(.*))?", re.DOTALL)
_TEMPLATE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


def _address(text: str) -> str:
    if "{%" in text:
        raise bad("an address cannot hold `{% ... %}`", "use `{{ ... }}`")
    if text.startswith(("${", "{{")) or _HEAD.match(text):
        return text
    raise bad(
        f"`{shorten(text)}` is not an address in Cloud Storage",
        "write for example `gs://bucket/folder/file`, or begin with `${run.dir}/`",
    )


Address = Annotated[str, AfterValidator(_address)]
"""`gs://BUCKET/NAME`, or a text that becomes one."""

Addresses = Annotated[
    list[Address],
    BeforeValidator(listed, json_schema_input_type=str | list[str]),
    Field(min_length=1),
]
"""One address or a list of them."""


def is_storage(text: str) -> bool:
    """Whether a text is an address in Cloud Storage."""
    return text.startswith("gs://")


class Location(NamedTuple):
    """A bucket and a name (or prefix) in it, both may hold Airflow templates."""

    bucket: str
    name: str


def location(address: str, lowering: LoweringContext) -> Location:
    """Split an address after putting in what it refers to; unknown parts are split when the task runs."""
    text = lowering.text(address)
    found = _PARTS.fullmatch(text)
    parts = (found[1], found[2] or "") if found else (_later(text, 2), _later(text, 3))
    return Location(*map(escape, parts))


def _later(text: str, index: int) -> str:
    """Return a template that takes a part of an address which is known only when the task runs."""
    pieces = _TEMPLATE.split(text)
    terms = [
        f"({piece.strip()})" if at % 2 else repr(piece) for at, piece in enumerate(pieces) if piece
    ]
    return "{{ (" + " ~ ".join(terms) + f").split('/', 3)[{index}] }}}}"


def other_bucket(addresses: list[str]) -> int | None:
    """Return the index of the first address that plainly lies in another bucket than the first."""
    buckets = [found[1] if (found := _PARTS.fullmatch(each)) else None for each in addresses]
    known = [
        (index, bucket) for index, bucket in enumerate(buckets) if bucket and "$" not in bucket
    ]
    return next((index for index, bucket in known if bucket != known[0][1]), None)
