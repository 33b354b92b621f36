"""Small bundles in the form of real ones, for the tests of sync."""

from __future__ import annotations

import json

from dagfactory.compiler.bundle.bundle import IGNORE, MANIFEST, Bundle, entry


def made(
    dags: dict[str, str], *, runtime: str = "a", environment: str = "staging", modules: int = 2
) -> Bundle:
    """Return a bundle of the given DAG texts by pipeline id, with a runtime of hash `runtime`."""
    package = f"dagfactory_runtime_{runtime}"
    files = {f"{name}.py": text.encode() for name, text in dags.items()}
    files |= {f"{package}/m{n}.py": f"{runtime} {n}".encode() for n in range(modules)}
    files[IGNORE] = b"dagfactory_runtime_*\n"
    manifest = {
        "schema_version": 1,
        "generator": "dagfactory 0.1.0",
        "environment": environment,
        "target": "airflow3",
        "runtime": package,
        "pipelines": {name: {"file": f"{name}.py"} for name in dags},
        "files": {path: entry(content) for path, content in sorted(files.items())},
    }
    text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
    return Bundle({**files, MANIFEST: text.encode()})
