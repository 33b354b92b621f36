"""Serve Vertex AI, BigQuery and Cloud Storage on this machine, for your own tests."""

from pathlib import Path
from typing import Any

import click

FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command("emulator")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--state", type=FOLDER, help="Folder that keeps everything; without it nothing is kept."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=0,
    metavar="PORT",
    help="Port of the proxy; 0 is a free one.",
)
@click.option("--project", default="demo", show_default=True, help="Project of the account.")
@click.option(
    "--project-numbers", is_flag=True, help="Name projects by number in answers, as Vertex AI does."
)
@click.option(
    "--slots",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Jobs that run at the same time.",
)
@click.option("--fixtures", type=FOLDER, help="Tables and objects that are there from the start.")
@click.option("--bucket", "buckets", multiple=True, metavar="NAME[=REGION]", help="Make a bucket.")
@click.option("--fault", "faults", multiple=True, metavar="SPEC", help="Fail, e.g. stockout:1.")
@click.option(
    "--machine", "machines", multiple=True, metavar="TYPE", help="Take a newer machine type."
)
@click.option(
    "--entrypoint",
    "entrypoints",
    multiple=True,
    metavar="GLOB=COMMAND",
    help="Run COMMAND for images without a command and for Dataflow templates that match GLOB.",
)
@click.option(
    "--secret-from",
    "secrets_from",
    multiple=True,
    metavar="NAME=VARIABLE",
    help="Serve the value of a variable as a secret.",
)
def command(**options: Any) -> int:
    """Serve Google's APIs on the loopback, as `run` has them, until ^C.

    Prints the environment variables that point unmodified Google clients here. With a COMMAND (after
    `--`) runs it in that environment instead, and ends with it and its exit code:

    \b
        dagfactory emulator --bucket my-bucket=us-central1 -- pytest tests/
    """  # noqa: D301 - click reads the character, not the two letters
    from dagfactory.run.emulate import EmulateRequest, emulate

    return emulate(EmulateRequest(**options))
