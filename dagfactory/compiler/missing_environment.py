"""Specs compiled for no environment: what only an environment could give is said once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dagfactory.compiler.parse import environments, parse
from dagfactory.compiler.resolve.layers import resolve
from dagfactory.diagnostics.diagnostic import Diagnostic, tidy
from dagfactory.diagnostics.wording import listing

if TYPE_CHECKING:
    from pathlib import Path

_NEEDS_ONE = ("DF111", "DF113")


def without_environment(path: Path, found: list[Diagnostic]) -> list[Diagnostic]:
    """Say once that an environment is missing, not for each place of the spec that needs one.

    A variable that an environment defines is not unknown: it is missing with the environment.
    """
    if not any(each.code in _NEEDS_ONE for each in found):
        return found
    names = environments(path)
    if not names:
        return [_advise_to_add_one(each) for each in found]
    in_each = [_unresolved(path, name) for name in names]
    needs = [
        each
        for each in found
        # what no environment gives is a fault of the spec: choosing one would not repair it
        if each.code in _NEEDS_ONE and not all((each.code, each.span) in seen for seen in in_each)
    ]
    if not needs:
        return found
    notes = (f"{len(needs)} places need one",) if len(needs) > 1 else ()
    help_ = f"choose one with `--env`: {listing(names)}"
    # `${env.…}` shows what is meant; at a `${vars.…}` the reader would look for a misspelling
    first = min(needs, key=lambda each: each.code != "DF113")
    message = "no environment is chosen, and this needs one"
    one = replace(first, code="DF113", message=message, help=help_, notes=notes, labels=())
    return tidy([*(each for each in found if each not in needs), one])


def _advise_to_add_one(diagnostic: Diagnostic) -> Diagnostic:
    """Tell those who have no environment at all how to make one."""
    if diagnostic.code != "DF113":
        return diagnostic
    return replace(diagnostic, help="add `environments/NAME.yaml`")


def _unresolved(path: Path, environment: str) -> set[object]:
    """Return code and place of each reference that this environment cannot replace."""
    layers = parse(path, environment).layers
    found = resolve(layers)[1] if layers else []
    return {(each.code, each.span) for each in found}
