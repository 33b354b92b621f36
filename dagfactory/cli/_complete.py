"""What a shell proposes for the values of options and arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click


def environments(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the environments of the project in this folder that begin so."""
    from dagfactory.compiler.parse import environments as known
    from dagfactory.project.specs import SPECS

    return [each for each in known(SPECS / "any.yaml") if each.startswith(begun)]


def codes(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the codes of findings, their names, and keys and types of the language that begin so."""
    from dagfactory.diagnostics.diagnostic import CODES
    from dagfactory.diagnostics.explain import of_the_language

    known = [*CODES, *(each.name for each in CODES.values()), *of_the_language()]
    return [each for each in known if each.lower().startswith(begun.lower())]


def machines(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the machine types and regions that begin so."""
    from dagfactory.catalogue.machines import regions, shapes

    return [each for each in (*shapes(), *regions()) if each.startswith(begun.lower())]
