"""multipart/related and multipart/mixed bodies (RFC 2046), byte for byte."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dagfactory.emulator.errors import ApiError

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?')


@dataclass(frozen=True, slots=True)
class Part:
    """Headers in lower case and the raw body of one part."""

    headers: dict[str, str]
    body: bytes


def parse(content_type: str, body: bytes) -> list[Part]:
    """Split a body; raises INVALID_ARGUMENT when it is not what its type says."""
    match = _BOUNDARY.search(content_type)
    if match is None:
        raise ApiError("INVALID_ARGUMENT", "Missing multipart boundary.")
    boundary = b"--" + match[1].strip("'").encode()
    # the frame's line ends are the client's choice; the batch requests of Google's have a bare \n
    end = b"\r\n" if boundary + b"\r\n" in body else b"\n"
    chunks = (end + body).split(end + boundary)[1:]
    if not chunks:
        raise ApiError("INVALID_ARGUMENT", "Malformed multipart body.")
    return [_part(chunk.removeprefix(end)) for chunk in chunks if not chunk.startswith(b"--")]


def split_head(data: bytes) -> tuple[list[str], bytes]:
    """Split at the first empty line; returns the lines of the head and the body."""
    match = re.search(rb"\r?\n\r?\n", data)
    head, body = (data, b"") if match is None else (data[: match.start()], data[match.end() :])
    return head.decode("utf-8", "replace").splitlines(), body


def headers_of(lines: Sequence[str]) -> dict[str, str]:
    """Return 'Name: value' lines as a dict with lower-case names."""
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _part(chunk: bytes) -> Part:
    if chunk.startswith((b"\r\n", b"\n")):
        return Part({}, chunk.lstrip(b"\r\n"))
    lines, body = split_head(chunk)
    return Part(headers_of(lines), body)
