"""Explain a code such as DF120, a key of the language or a type of task."""

from __future__ import annotations

import sys

import click

from dagfactory.cli._complete import codes


@click.command("explain")
@click.argument("code", required=False, shell_complete=codes)
def command(code: str | None) -> int:
    """Print what CODE means, with an example that fails and its repair; without CODE, list all.

    CODE is a number such as DF120, its name, unknown-key, or what the language has a section
    of: a type of task, upload_model, or a key, retries.
    """
    from dagfactory.diagnostics.explain import explanation, index

    sys.stdout.write(explanation(code) if code else index())
    return 0
