"""`airflow:` of an environment file: the Airflow that runs the DAGs, and what it holds for them."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from dagfactory.diagnostics.wording import shorten
from dagfactory.language.common import SpecModel, Text, bad
from dagfactory.language.plain import PlainText, without_secrets

_LOOPBACK = re.compile(r"http://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?")


def _address(url: str) -> str:
    found = re.fullmatch(r"https?://[^/\s@?#]+(?:/[^\s?#]*)?", url)
    if not found:
        remedy = "write for example `https://ID-dot-us-central1.composer.googleusercontent.com`"
        raise bad(f"`{shorten(url)}` is not the address of an Airflow web server", remedy)
    if url.startswith("http:") and not _LOOPBACK.match(url):
        message = "`http://` is not an address to send a token to"
        raise bad(message, f"write `https://{url.removeprefix('http://')}`")
    return url.rstrip("/")


AirflowUrl = Annotated[str, AfterValidator(_address)]


def _key(name: str) -> str:
    if not re.fullmatch(r"[\w.@()-]{1,250}", name):
        remedy = "use letters, digits, `_`, `.` and `-`, at most 250"
        raise bad(f"`{shorten(name)}` is not a key in Airflow", remedy)
    return name


Key = Annotated[str, AfterValidator(_key)]


class Connection(SpecModel):
    """An Airflow connection without a secret; one with a password belongs into Secret Manager."""

    type: Text = Field(description="type of the connection", examples=["http"])
    description: Text | None = Field(None, description="what it is for")
    host: PlainText | None = Field(None, description="host or address", examples=["example.com"])
    login: PlainText | None = Field(None, description="user")
    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(None, description="port")
    schema_: PlainText | None = Field(None, alias="schema", description="schema or database")
    extra: Annotated[dict[Text, Any], AfterValidator(without_secrets)] = Field(
        {}, description="further fields", examples=[{"timeout": 20}]
    )


class Airflow(SpecModel):
    """The Airflow of an environment."""

    url: AirflowUrl | None = Field(
        None,
        description="address of its web server, which `doctor` and `composer --apply` ask",
        examples=["https://0123456789ab-dot-us-central1.composer.googleusercontent.com"],
    )
    variables: Annotated[dict[Key, Any], AfterValidator(without_secrets)] = Field(
        {}, description="Airflow variables: texts, or values that become JSON"
    )
    connections: dict[Key, Connection] = Field(
        {}, description="Airflow connections without secrets"
    )
