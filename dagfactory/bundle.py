"""The bundle: everything that goes to the `dags/` folder, as bytes with their names.

Same specs, same bytes: no timestamp, no path of the machine, sorted JSON. The runtime travels along
under a name made from its content, so nothing has to be installed on Composer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dagfactory.files import remove, write_atomic
from dagfactory.package import runtime_files, runtime_name

MANIFEST = "manifest.json"
IGNORE = ".airflowignore"


@dataclass(frozen=True, slots=True)
class Rendered:
    """One DAG file: the pipeline's id, the spec it came from, the hash of its inputs, its text."""

    pipeline: str
    source: str
    digest: str
    text: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """Files by path relative to the bundle's folder, manifest included."""

    files: dict[str, bytes]

    @property
    def dags(self) -> dict[str, str]:
        """Return the text of each DAG file by its name."""
        found = (
            item for item in self.files.items() if item[0].endswith(".py") and "/" not in item[0]
        )
        return {name: content.decode() for name, content in found}

    @property
    def manifest(self) -> bytes:
        """Return the manifest's bytes."""
        return self.files[MANIFEST]


def bundle(rendered: list[Rendered], *, generator: str, environment: str, target: str) -> Bundle:
    """Put rendered DAG files, the runtime, `.airflowignore` and the manifest together."""
    package = runtime_name()
    files = {f"{item.pipeline}.py": item.text.encode() for item in rendered}
    files |= {f"{package}/{name}": content for name, content in runtime_files().items()}
    # the same pattern means the same as a regular expression (Airflow 2) and as a glob (3)
    files[IGNORE] = b"dagfactory_runtime_*\n"
    manifest = {
        "schema_version": 1,
        "generator": generator,
        "environment": environment,
        "target": target,
        "runtime": package,
        "pipelines": {
            item.pipeline: {
                "file": f"{item.pipeline}.py",
                "spec": item.source,
                "inputs": item.digest,
            }
            for item in rendered
        },
        "files": {path: entry(content) for path, content in sorted(files.items())},
    }
    text = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=True) + "\n"
    return Bundle({**dict(sorted(files.items())), MANIFEST: text.encode()})


def entry(content: bytes) -> dict[str, str | int]:
    """Return what the manifest says of a file: its SHA-256 and its size in bytes."""
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def owned(manifest: bytes | None) -> dict[str, str]:
    """Return path → SHA-256 of the files that a manifest claims; nothing for none or a broken one."""
    try:
        data = json.loads(manifest or b"{}")
        files = data.get("files", {})
        return {path: item["sha256"] for path, item in files.items() if safe(path)}
    except (ValueError, TypeError, AttributeError, KeyError):
        return {}


def safe(path: str) -> bool:
    """Say whether a manifest's path stays inside the bundle's folder."""
    parts = path.split("/")
    return bool(path) and "\\" not in path and not any(part in ("", ".", "..") for part in parts)


@dataclass(frozen=True, slots=True)
class Difference:
    """What separates a bundle from a folder: paths to add, to change and to remove."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)

    def summary(self) -> str:
        """Return one line: how many files are new, changed and gone."""
        if not self:
            return "nothing to do, the bundle is current"
        counts = (("added", self.added), ("changed", self.changed), ("removed", self.removed))
        return ", ".join(f"{len(paths)} {word}" for word, paths in counts if paths)

    def text(self, made: Bundle, folder: Path) -> str:
        """Return a unified diff of every file that differs, the manifest left out."""
        paths = sorted({*self.added, *self.changed, *self.removed} - {MANIFEST})
        return "".join(_diff(path, _read(folder / path), made.files.get(path)) for path in paths)


def compare(made: Bundle, folder: Path) -> Difference:
    """Compare a bundle with a folder; only files that the folder's own manifest names are removed."""
    present = {path: _read(folder / path) for path in made.files}
    stale = sorted(set(owned(_read(folder / MANIFEST))) - set(made.files))
    return Difference(
        added=tuple(path for path in made.files if present[path] is None),
        changed=tuple(p for p, data in made.files.items() if present[p] not in (None, data)),
        removed=tuple(path for path in stale if (folder / path).is_file()),
    )


def write(made: Bundle, folder: Path) -> Difference:
    """Bring a folder to a bundle: each file whole or not at all, the manifest last, then removals."""
    difference = compare(made, folder)
    touched: Mapping[str, bytes] = {
        path: made.files[path] for path in (*difference.added, *difference.changed)
    }
    for path, content in sorted(touched.items(), key=lambda item: item[0] == MANIFEST):
        write_atomic(folder / path, content)
    for path in difference.removed:
        remove(folder / path, within=folder)
    return difference


def _diff(path: str, old: bytes | None, new: bytes | None) -> str:
    """Return the unified diff of one file; an absent side is /dev/null."""
    import difflib

    before, after = (
        content.decode("utf-8", "replace").splitlines(keepends=True) if content else []
        for content in (old, new)
    )
    names = (
        "/dev/null" if old is None else f"a/{path}",
        "/dev/null" if new is None else f"b/{path}",
    )
    return "".join(difflib.unified_diff(before, after, *names))


def _read(path: Path) -> bytes | None:
    """Return a file's bytes, None when there is no such file."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
