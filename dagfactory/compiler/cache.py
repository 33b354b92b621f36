"""What was rendered before: a spec whose inputs and output are the same bytes is not compiled again.

The record of a folder lies in the user's cache, not in the project: what a repository brings along
is never believed. It holds hashes, no texts; a DAG file counts only while its bytes are those that
were rendered and checked. Anything in doubt is compiled.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagfactory.compiler.bundle.bundle import Rendered
from dagfactory.compiler.cache_key import Inputs
from dagfactory.project.files import FileError, Folder, write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KEPT = 64
"""Records that stay in the cache; the oldest go first."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """What one spec gave: the key of its inputs, the fields of a Rendered, the hashes of its files."""

    inputs: str
    pipeline: str
    source: str
    digest: str
    target: str
    text: str
    beside: dict[str, str]


class RenderCache:
    """The record of one folder and one environment."""

    def __init__(self, folder: Path, environment: str | None) -> None:
        self._folder = Folder(folder)
        self._environment = environment
        self._path = _record_path(folder, environment)
        self._known = _read(self._path)
        self._keys: dict[Path, str] = {}

    def get(self, specs: Iterable[Path]) -> dict[Path, Rendered]:
        """Return what is known of the specs that did not change since, and remember all their keys."""
        inputs = Inputs(self._environment)
        keys = {spec: inputs.key(spec) for spec in specs} if self._path else {}
        self._keys = {spec: key for spec, key in keys.items() if key}
        found = {spec: self._reusable(spec, key) for spec, key in self._keys.items()}
        return {spec: each for spec, each in found.items() if each}

    def _reusable(self, spec: Path, key: str) -> Rendered | None:
        entry = self._known.get(str(spec))
        if entry is None or entry.inputs != key:
            return None
        content = self._unchanged(f"{entry.pipeline}.py", entry.text)
        beside = {name: self._unchanged(name, known) for name, known in entry.beside.items()}
        whole = {name: data for name, data in beside.items() if data is not None}
        if content is None or len(whole) < len(beside):
            return None
        text = content.decode()
        return Rendered(entry.pipeline, entry.source, entry.digest, text, entry.target, whole)

    def _unchanged(self, name: str, known: str) -> bytes | None:
        """Return a file of the folder while it has the known hash."""
        try:
            content = self._folder.read(name)
        except (OSError, FileError):
            return None
        if content is None:
            return None
        return content if hashlib.sha256(content).hexdigest() == known else None

    def put(self, made: Mapping[Path, Rendered]) -> None:
        """Write the record: what each spec gave that had no findings and did not change meanwhile."""
        now = Inputs(self._environment)
        entries = {
            str(spec): _entry(key, made[spec])
            for spec, key in self._keys.items()
            # what an editor saved while this ran was not compiled: its hash must not be recorded
            if spec in made and (self._is_known(spec, key) or now.key(spec) == key)
        }
        if self._path and entries != self._known:
            _write(self._path, entries)

    def _is_known(self, spec: Path, key: str) -> bool:
        entry = self._known.get(str(spec))
        return entry is not None and entry.inputs == key


def _entry(key: str, made: Rendered) -> _Entry:
    text = hashlib.sha256(made.text.encode()).hexdigest()
    beside = {name: hashlib.sha256(content).hexdigest() for name, content in made.beside.items()}
    return _Entry(key, made.pipeline, made.source, made.digest, made.target, text, beside)


def _record_path(folder: Path, environment: str | None) -> Path | None:
    """Return the path of a folder's record, or None where there is no cache."""
    own = os.environ.get("DAGFACTORY_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 - never raises
    cache = Path(own) if own else Path(base, "dagfactory")
    # the XDG specification calls a relative path invalid; it would also lie in the project,
    # where a pull request could bring a forged record along with a forged DAG file
    if not cache.is_absolute():
        return None
    name = json.dumps([os.fspath(folder.absolute()), environment])
    return cache / "render" / hashlib.sha256(name.encode()).hexdigest()[:32]


def _read(path: Path | None) -> dict[str, _Entry]:
    """Return the entries of a record; none when it is absent or anything about it is wrong."""
    try:
        seal, _, body = path.read_bytes().partition(b"\n") if path else (b"", b"", b"")
    except OSError:
        return {}
    if not body or seal != _seal(body):
        return {}
    rows: dict[str, list[Any]] = json.loads(body)
    return {spec: _Entry(*row) for spec, row in rows.items()}


def _write(path: Path, entries: Mapping[str, _Entry]) -> None:
    """Write a record; a cache that cannot be written is not a reason to fail."""
    rows = {
        spec: [getattr(each, name) for name in _Entry.__slots__] for spec, each in entries.items()
    }
    body = json.dumps(rows, sort_keys=True).encode()
    try:
        # a record that others could write would let them choose which DAG files are believed
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(path, _seal(body) + b"\n" + body)
        by_age = sorted(path.parent.iterdir(), key=lambda each: each.stat().st_mtime)
        for old in by_age[:-KEPT]:
            old.unlink(missing_ok=True)
    except (OSError, FileError):
        return


def _seal(body: bytes) -> bytes:
    # not a signature: it tells a record that was cut short, or has the rows of an older version
    return hashlib.sha256(b"dagfactory render 2\0" + body).hexdigest().encode()
