"""Turn the files of other tools into specs."""  # noqa: N999 - a command's name is its module's

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write PIPELINE.yaml files into; without it they are printed.",
)
@click.option(
    "--from",
    "name",
    default="",
    help="Format of FILES: dag-factory, katib, vertex-hpt or wandb; else each is recognised.",
)
@click.option(
    "--defaults",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A defaults.yml that holds for FILES, the strongest last; else the one beside each.",
)
@click.option("--strict", is_flag=True, help="Exit 1 also when something was not carried over.")
@click.option(
    "--from-airflow",
    "since",
    type=click.Choice(("2", "3")),
    help="Airflow that FILES were written for: 2 runs daily without `schedule:`, and catches up.",
)
@click.option("--force", is_flag=True, help="Replace files that are there already.")
def command(
    paths: tuple[Path, ...],
    out: Path | None,
    name: str,
    defaults: tuple[Path, ...],
    strict: bool,
    force: bool,
    since: Literal["2", "3"] | None,
) -> int:
    """Turn FILES (or all YAML files of folders) into specs, one per DAG or search.

    They are of dag-factory, or describe a search of W&B, Katib or Vertex AI.

    Remarks on standard error say what could not be carried over, with file, line and column. Nothing
    that the files name is imported or run, and no environment variable is replaced.
    """
    from dagfactory.importers._command import ImportOptions, import_files

    return import_files(
        ImportOptions(paths, out, name.replace("_", "-"), defaults, strict, force, since or "")
    )
