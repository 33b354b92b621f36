"""What a failed verification says: what is wrong, and the way back."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from dagfactory.compiler.bundle.bundle import Bundle
from dagfactory.deploy.carry_out import Place
from dagfactory.deploy.history import deployed
from dagfactory.deploy.show import say
from dagfactory.deploy.verify import Airflow, Check, problems
from dagfactory.language.environment import EnvironmentFile

Asker = Callable[[str], Airflow]
"""Returns what asks the Airflow at an address."""


def verified(bundle: Bundle, place: Place, environment: EnvironmentFile | None, ask: Asker) -> bool:
    """Verify a deploy; say what is wrong with it and how to go back."""
    url = environment.airflow_url if environment else None
    check = Check(ask(url), environment.package) if environment and url else None
    found = problems(bundle, place.store, check)
    for each in found:
        say(f"not verified: {each}")
    if found and environment:
        say(_way_back(place, environment))
    return not found


def _way_back(place: Place, environment: EnvironmentFile) -> str:
    """Return the command that goes back to the version before; an empty text without one."""
    known = deployed(place.history.read_all(place.history.look()), place.manifest())
    if len(known) < 2:  # noqa: PLR2004 - this one and the one before
        return ""
    elsewhere = f" --to {shlex.quote(place.store.address)}"
    to = "" if environment.dags in (place.store.address, f"{place.store.address}/") else elsewhere
    name = environment.environment
    return f"to go back: dagfactory rollback {known[1]} --env {name}{to}"
