"""What specs came to when they were compiled last: one whose inputs are the same bytes is not compiled again.

The record of a project lies in the user's cache, not in the project: what a repository brings along
is never believed. Anything in doubt is compiled.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dagfactory.compiler.cache_key import Inputs
from dagfactory.compiler.outcome import Outcome, from_row, to_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

KEPT = 64
"""Projects that stay in the cache; the oldest go first."""

MOST = 20_000
"""Specs that stay in one record; when there are more it begins anew."""

_TABLE = """create table if not exists outcomes
    (work text, spec text, inputs text, outcome blob, seal text, primary key (work, spec)) without rowid"""


class Record:
    """The record of the working folder, for one kind of work and one environment.

    The kinds are `check`, whose environment None means every one, and `render`.
    """

    def __init__(self, work: str, environment: str | None) -> None:
        self._environment = environment
        self._work = json.dumps([work, environment])
        self._path = _path()
        self._keys: dict[Path, str] = {}

    def get(self, specs: Iterable[Path]) -> dict[Path, Outcome]:
        """Return what is known of the specs that did not change since, and remember all their keys."""
        inputs = self._inputs()
        keys = {spec: inputs.key(spec) for spec in specs} if self._path else {}
        self._keys = {spec: key for spec, key in keys.items() if key}
        rows = dict(self._rows()) if self._keys else {}
        known = {
            spec: from_row(json.loads(rows[_name(spec)][1]))
            for spec, key in self._keys.items()
            if _name(spec) in rows and rows[_name(spec)][0] == key
        }
        return {spec: each for spec, each in known.items() if inputs.same_code(spec, each.code)}

    def _inputs(self) -> Inputs:
        return Inputs(self._environment)

    def _rows(self) -> Iterator[tuple[str, tuple[str, bytes]]]:
        """Yield the key and the outcome of every spec that is known."""
        path = self._path
        if path is None or not path.exists():
            return
        try:
            with closing(_open(path)) as database:
                query = "select spec, inputs, outcome, seal from outcomes where work = ?"
                for spec, key, outcome, seal in database.execute(query, (self._work,)):
                    if seal == _seal(self._work, spec, key, outcome):
                        yield spec, (key, outcome)
        except (sqlite3.Error, OSError, TypeError):
            # what cannot be read would fail to be written as well
            with suppress(OSError):
                path.unlink()

    def put(self, made: Mapping[Path, Outcome]) -> None:
        """Add what specs came to that were compiled now, but for those that changed meanwhile."""
        now = self._inputs()
        rows = [
            self._row(spec, made[spec])
            for spec, key in self._keys.items()
            # what an editor saved while this ran was not compiled: its hash must not be recorded
            if spec in made and now.key(spec) == key and now.same_code(spec, made[spec].code)
        ]
        if self._path and rows:
            _write(self._path, rows)

    def _row(self, spec: Path, outcome: Outcome) -> tuple[object, ...]:
        key, content = self._keys[spec], json.dumps(to_row(outcome)).encode()
        name = _name(spec)
        return self._work, name, key, content, _seal(self._work, name, key, content)


def _name(spec: Path) -> str:
    # the bytes of a file's name need not be UTF-8, which is all that SQLite takes
    return os.fsencode(spec).decode("latin-1")


def _path() -> Path | None:
    """Return the path of the working folder's record, or None where there is no cache."""
    own = os.environ.get("DAGFACTORY_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 - never raises
    cache = Path(own) if own else Path(base, "dagfactory")
    # the XDG specification calls a relative path invalid; it would also lie in the project,
    # where a pull request could bring a forged record along
    if not cache.is_absolute():
        return None
    return cache / "compiled" / hashlib.sha256(os.fsencode(Path.cwd())).hexdigest()[:32]


def _open(path: Path) -> sqlite3.Connection:
    # a second command at the same time waits for less than compiling takes
    return sqlite3.connect(path, timeout=0.5)


def _write(path: Path, rows: list[tuple[object, ...]]) -> None:
    """Write rows; a cache that cannot be written is not a reason to fail."""
    try:
        # a record that others could write would let them choose which DAG files are believed
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with closing(_open(path)) as database, database:
            # nothing is lost with a cache, and a row that was cut short has no seal
            database.execute("pragma synchronous = off")
            database.execute(_TABLE)
            (known,) = database.execute("select count(*) from outcomes").fetchone()
            if known > MOST:
                database.execute("delete from outcomes")
            database.executemany("insert or replace into outcomes values (?, ?, ?, ?, ?)", rows)
        by_age = sorted(path.parent.iterdir(), key=lambda each: each.stat().st_mtime)
        for old in by_age[:-KEPT]:
            old.unlink(missing_ok=True)
    except (sqlite3.Error, OSError):
        return


def _seal(work: str, spec: str, key: str, outcome: bytes) -> str:
    # not a signature: it tells a row that was cut short, or is that of an older version
    parts = f"dagfactory outcome 1\0{work}\0{spec}\0{key}\0"
    return hashlib.sha256(parts.encode("utf-8", "surrogateescape") + outcome).hexdigest()
