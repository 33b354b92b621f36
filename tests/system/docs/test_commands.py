"""Every command that README.md and docs/ show exists, with the options that they give it."""

import re
import shlex
from importlib.util import find_spec
from itertools import pairwise

import click
import pytest
from pages import PAGES, fences
from paths import ROOT

from dagfactory.cli import main, names

_SHELL = {"|", "||", "&&", ";", "&", ">", ">>", "2>", "2>>", "<", "#"}
_INLINE = re.compile(r"`((?:dagfactory|make|python -m [a-z_.]+)(?: [^`\n]*)?)`")
_SHOWN = re.compile(r"^\s*(?:\$ )?((?:dagfactory|make|python -m \S+) .*)$")


def written():
    """Yield (page, command) for all commands in fences and between backquotes."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in _INLINE.finditer(
            re.sub(r"^( *)```.*?^\1```$", "", text, flags=re.MULTILINE | re.DOTALL)
        ):
            yield page.name, found[1]
        for fence in fences(page):
            if fence.info[:1] in ((), ("sh",), ("console",)):
                yield from (
                    (page.name, found[1]) for found in map(_SHOWN.match, _lines(fence)) if found
                )


def _lines(fence):
    """Return the lines that are typed: in a console fence those after `$`, and what follows a pipe."""
    for line in fence.text.splitlines():
        if fence.info[:1] != ("console",) or line.startswith("$ "):
            yield from line.split(" | ")


COMMANDS = sorted(set(written()))


def words(command):
    """Split a command as a shell would, up to the first pipe, redirection or comment."""
    found = shlex.split(command.replace("…", "").replace("[", "").replace("]", ""))
    ends = [at for at, word in enumerate(found) if word in _SHELL or word.startswith(("2>", ">"))]
    return found[: min(ends, default=len(found))]


def check(command):
    """Raise click.UsageError unless the words name a command, options that it has and possible choices."""
    name, *rest = command
    if name.startswith("-"):
        main.make_parser(click.Context(main)).parse_args([name])
        return
    if name not in names():
        raise click.UsageError(f"no command {name}")
    found = main.get_command(click.Context(main), name)
    context = click.Context(found, info_name=name)
    values, extra, _ = found.make_parser(context).parse_args(rest)
    if extra:
        raise click.UsageError(f"{extra} too much")
    for option in found.params:
        given = values.get(option.name)
        if isinstance(option.type, click.Choice) and isinstance(given, str) and given.islower():
            option.type.convert(given, option, context)


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_a_shown_command_is_real(page, command):
    program, *rest = words(command)
    if program == "dagfactory" and rest:
        check(rest)
    elif program == "make" and rest:
        targets = re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert set(rest) <= set(targets)
    elif program == "python":
        modules = [module for option, module in pairwise(rest) if option == "-m"]
        assert modules
        assert all(map(find_spec, modules))


def test_every_command_is_shown_somewhere():
    seen = {command.split()[1] for _, command in COMMANDS if command.startswith("dagfactory ")}
    assert set(names()) - seen == set()


@pytest.mark.parametrize(
    "wrong",
    [
        "cheque specs",
        "check --evn dev",
        "check --format sarif1",
        "explain DF120 DF121",
        "run --env",
    ],
)
def test_a_wrong_command_would_be_noticed(wrong):
    with pytest.raises(click.UsageError):
        check(shlex.split(wrong))


@pytest.mark.parametrize("name", ["run", "sync"])
def test_the_page_of_a_command_has_all_its_options_and_no_others(name):
    text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(--[a-z-]+)", text, re.MULTILINE))
    found = main.get_command(click.Context(main), name)
    real = {each for option in found.params for each in option.opts if each.startswith("--")}
    assert listed <= real
    assert {each for each in real if each not in text} == set()
