"""The command line: one module per command, found by listing this package; options and exit codes only.

A module's name is the command's name; it defines `command`, a click command, and the first line of
its docstring is the short help. May import every other room, inside the functions that need it: one
command pays for no other, and none of them imports Airflow, torch or a Google Cloud library.
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import click

EPILOG = """Exit codes: 0 done, 1 findings or differences, 2 wrong usage, 3 nothing to work on,
4 refused by the other side, 70 a bug in dagfactory, 130 interrupted. Every option can be set as
DAGFACTORY_COMMAND_OPTION in the environment."""

GROUPS = {
    "Write": "init check ls explain schema graph machines import",
    "See what will happen": "trials render plan cost",
    "Run here": "run up runs results emulator",
    "Deploy": "sync history rollback composer doctor jobs logs",
}
"""The commands as a newcomer meets them; one that is in no group is listed last."""

_FOLDER = Path(__file__).parent
_SHORT = re.compile(r'"""(.+?)(?:\.?"""|\.?$)', re.MULTILINE)


class Commands(click.Group):
    """The commands of the package, imported one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of all commands in alphabetical order."""
        return names()

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command; None when there is none of that name."""
        if cmd_name not in names():
            return None
        found: click.Command = import_module(f"{__name__}.{cmd_name}").command
        for each in found.params:
            if isinstance(each, click.Option):
                each.envvar = _variable(cmd_name, each)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with the first lines of their modules, importing none."""
        groups = {title: text.split() for title, text in GROUPS.items()}
        known = {name for each in groups.values() for name in each}
        groups["More"] = [name for name in self.list_commands(ctx) if name not in known]
        for title, found in groups.items():
            if found:
                with formatter.section(title):
                    formatter.write_dl([(name, short_help(name)) for name in found])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for an unknown one, fail with the nearest names."""
        if args and not args[0].startswith("-") and args[0] not in names():
            from dagfactory.diagnostics.wording import closest, either

            near = closest(args[0], names())
            remedy = f"did you mean {either(near)}?" if near else f"commands: {', '.join(names())}"
            raise click.UsageError(f"no command `{args[0]}`; {remedy}", ctx)
        return super().resolve_command(ctx, args)


def names() -> list[str]:
    """Return the names of all commands in alphabetical order."""
    return sorted(each.stem for each in _FOLDER.glob("*.py") if not each.stem.startswith("_"))


def short_help(name: str) -> str:
    """Return the first line of a command's module docstring."""
    with (_FOLDER / f"{name}.py").open(encoding="utf-8") as stream:
        found = _SHORT.search(stream.readline())
    text = found[1].removeprefix(f"`dagfactory {name}`: ") if found else ""
    return text[:1].upper() + text[1:]


def _variable(command: str, option: click.Option) -> str:
    """Return the variable of the environment that an option can be set by."""
    # by what people write; click goes by the name of the function's parameter
    written = max(option.opts, key=len).strip("-").replace("-", "_")
    return f"DAGFACTORY_{command}_{written}".upper()


def _show_version(context: click.Context, _parameter: click.Parameter, asked: bool) -> None:
    """Print the version and leave, when the option was given."""
    if asked and not context.resilient_parsing:
        from dagfactory.cli._version import version

        click.echo(f"dagfactory {version()}")
        context.exit()


@click.command(
    cls=Commands,
    epilog=EPILOG,
    context_settings={"auto_envvar_prefix": "DAGFACTORY", "help_option_names": ["-h", "--help"]},
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    # a CI may name the release that it installs in DAGFACTORY_VERSION
    allow_from_autoenv=False,
    callback=_show_version,
    help="Show the version, in a checkout with its commit, and exit.",
)
def main() -> None:
    """One YAML file in, a Composer DAG out that trains, gates and deploys on Vertex AI."""
