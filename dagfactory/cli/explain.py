"""Explain a code such as DF120."""

from __future__ import annotations

import sys

import click

from dagfactory.cli._complete import codes


@click.command("explain")
@click.argument("code", required=False, shell_complete=codes)
def command(code: str | None) -> int:
    """Print what CODE means, with an example that fails and its repair; without CODE, list all.

    CODE is a number such as DF120 or its name, unknown-key.
    """
    from dagfactory.diagnostics.explain import explanation, index

    sys.stdout.write(explanation(code) if code else index())
    return 0
