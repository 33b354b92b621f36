"""Listing objects: prefix, delimiter, glob, offsets and pages."""

import base64
import re
from typing import Any

from dagfactory.emulator.http_server import HttpRequest
from dagfactory.emulator.storage.object_store import ObjectStore

MAX_PAGE = 1000
_GLOB = re.compile(r"\*\*/|\*\*|\*|\?|\[[^\]]+\]|\{[^}]*\}|.", re.DOTALL)


def list_objects(store: ObjectStore, bucket: str, request: HttpRequest) -> dict[str, Any]:
    """Return one page: items and common prefixes share the page and its order."""
    names = _wanted(store.list_names(bucket, request.arg("prefix") or ""), request)
    entries = _entries(names, request)
    token = _decoded(request.arg("pageToken"))
    entries = [entry for entry in entries if token is None or entry.encode() > token.encode()]
    size = min(int(request.arg("maxResults") or MAX_PAGE), MAX_PAGE)
    page, rest = entries[:size], entries[size:]
    known = set(names)
    prefixes = [e for e in page if e not in known or _is_prefix(e, request)]
    records = [store.find(bucket, entry) for entry in page if entry not in set(prefixes)]
    answer: dict[str, Any] = {"kind": "storage#objects"}
    if rest:
        answer["nextPageToken"] = base64.urlsafe_b64encode(page[-1].encode()).decode()
    if prefixes:
        answer["prefixes"] = prefixes
    answer["items"] = [record.resource() for record in records if record is not None]
    return answer


def _wanted(names: list[str], request: HttpRequest) -> list[str]:
    start, end, glob = (request.arg(n) for n in ("startOffset", "endOffset", "matchGlob"))
    if start:
        names = [name for name in names if name.encode() >= start.encode()]
    if end:
        names = [name for name in names if name.encode() < end.encode()]
    if glob:
        pattern = glob_pattern(glob)
        names = [name for name in names if pattern.fullmatch(name)]
    return names


def _entries(names: list[str], request: HttpRequest) -> list[str]:
    """Replace the names that have the delimiter after the prefix by their common prefix."""
    delimiter, start = request.arg("delimiter"), len(request.arg("prefix") or "")
    if not delimiter:
        return names
    shortened: dict[str, None] = {}  # a set that keeps the order
    for name in names:
        head, found, _ = name[start:].partition(delimiter)
        shortened[name[:start] + head + found if found else name] = None
    return list(shortened)


def _is_prefix(entry: str, request: HttpRequest) -> bool:
    """Say whether an entry that is also an object counts as a prefix: 'a/' under '/'."""
    delimiter, start = request.arg("delimiter"), len(request.arg("prefix") or "")
    return bool(delimiter) and str(delimiter) in entry[start:]


def _decoded(token: str | None) -> str | None:
    return base64.urlsafe_b64decode(token).decode() if token else None


def glob_pattern(glob: str) -> re.Pattern[str]:
    """Translate Cloud Storage's matchGlob: * and ? stop at '/', ** does not, {a,b} is either."""
    simple = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    text = ""
    for part in _GLOB.findall(glob):
        if part in simple:
            text += simple[part]
        elif len(part) > 1 and part[0] == "[":
            text += (
                f"[{'^' if part[1] in '!^' else ''}{re.escape(part[1:-1].lstrip('!^'))}]".replace(
                    r"\-", "-"
                )
            )
        elif len(part) > 1:
            text += f"(?:{'|'.join(glob_pattern(p).pattern for p in part[1:-1].split(','))})"
        else:
            text += re.escape(part)
    return re.compile(text, re.DOTALL)
