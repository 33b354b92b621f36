"""Print the JSON Schema that editors validate and complete specs with."""

from __future__ import annotations

import sys
from pathlib import Path

import click

KINDS = ("pipeline", "defaults", "environment")


@click.command("schema")
@click.argument("kind", type=click.Choice(KINDS), default=KINDS[0])
@click.option("--check", is_flag=True, help="Exit 1 when the file is not current.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file instead of printing.",
)
def command(kind: str, check: bool, out: Path | None) -> int:
    """Print the JSON Schema (draft-07) of a kind of file: a pipeline's, if none is given."""
    from dagfactory.authoring.schema import schema_text

    text = schema_text(kind)
    if check:
        path = out or Path(f"schema/{kind}.schema.json")
        there = path.is_file()
        current = there and path.read_bytes() == text.encode()
        state = "current" if current else "not current" if there else "does not exist"
        remedy = "" if current else f"; write it with `dagfactory schema {kind} --out {path}`"
        sys.stderr.write(f"{path}: {state}{remedy}\n")
        return 0 if current else 1
    if out:
        from dagfactory.project.files import plainly, write_atomic

        with plainly():
            write_atomic(out, text.encode())
        return 0
    sys.stdout.write(text)
    return 0
