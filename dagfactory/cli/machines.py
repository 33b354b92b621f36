"""List the machines of custom training."""

from __future__ import annotations

import sys

import click

from dagfactory.cli._complete import machines


@click.command("machines")
@click.argument("what", required=False, default="", shell_complete=machines)
@click.option(
    "--format",
    "name",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="JSON has every price with its day and source.",
)
def command(what: str, name: str) -> int:
    """List the machines of custom training: all, or those that WHAT asks for.

    WHAT is a machine (n1-standard-8), a GPU (A100), a number of them (8xH100) or a region
    (us-east4). Prices are shown where they are known.
    """
    from dagfactory.authoring import machine_list

    sys.stdout.write(machine_list.as_json(what) if name == "json" else machine_list.text(what))
    return 0
