"""Print the JSON Schema that editors validate and complete specs with."""

from __future__ import annotations

import sys
from pathlib import Path

import click

COMMITTED = Path("schema/pipeline.schema.json")


@click.command("schema")
@click.option("--check", is_flag=True, help="Exit 1 when the file is not current.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file instead of printing.",
)
def command(check: bool, out: Path | None) -> int:
    """Print the JSON Schema (draft-07) of a pipeline file."""
    from dagfactory.authoring.schema import schema_text

    text = schema_text()
    if check:
        path = out or COMMITTED
        there = path.is_file()
        current = there and path.read_bytes() == text.encode()
        state = "current" if current else "not current" if there else "does not exist"
        remedy = "" if current else f"; write it with `dagfactory schema --out {path}`"
        sys.stderr.write(f"{path}: {state}{remedy}\n")
        return 0 if current else 1
    if out:
        from dagfactory.project.files import plainly, write_atomic

        with plainly():
            write_atomic(out, text.encode())
        return 0
    sys.stdout.write(text)
    return 0
