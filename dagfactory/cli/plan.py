"""Show what a sync would change, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dagfactory.cli import _deploy
from dagfactory.cli._complete import environments
from dagfactory.deploy.changes.formats import forms


class _UsageError(click.UsageError):
    exit_code = 1


class _Plan(click.Command):
    """A command whose usage errors are not 2 where 2 means changes."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Read the arguments."""
        detailed = "--detailed-exitcode" in args
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            if not detailed:
                raise
            raise _UsageError(error.format_message(), error.ctx) from None


def _file(_context: click.Context, _option: click.Parameter, path: Path | None) -> Path | None:
    """Return the path of a plan that `sync` tells from a spec."""
    if path and path.suffix != ".json":
        raise click.BadParameter(f"{path} does not end in `.json`, by which `sync` knows a plan")
    return path


@click.command("plan", cls=_Plan)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--env",
    "environment",
    required=True,
    metavar="NAME",
    help="Environment to render for.",
    shell_complete=environments,
)
@click.option(
    "--to",
    metavar="gs://BUCKET/dags/PREFIX|FOLDER",
    help="Destination; the environment's `dags:` if absent.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(forms()),
    default="human",
    show_default=True,
    help="Form of the plan; `markdown` fits into a comment of a pull request.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.json",
    callback=_file,
    help="Also write the plan to a file, which `sync` can carry out.",
)
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit 0 for no changes, 2 for changes, 1 for any error.",
)
def command(**options: Any) -> int:
    """Compare what PATHS (`specs/` if none) say for an environment with what is deployed there.

    It writes nothing to the destination. Changes are said by meaning: keys of specs, tasks, edges,
    then what only comes from another version of dagfactory or from the environment.
    """
    from dagfactory.deploy.changes.command import PlanOptions, plan

    return plan(PlanOptions(**options), _deploy.asker(verify=True))
