"""What sync and rollback print: the plan to standard output, everything else to standard error."""

from __future__ import annotations

import sys

from dagfactory.deploy.errors import RefusedError
from dagfactory.deploy.plan import SyncPlan
from dagfactory.deploy.plan_text import left_text, plan_summary, plan_text
from dagfactory.diagnostics.terminal import safe


def show_plan(planned: SyncPlan) -> None:
    """Print a plan."""
    sys.stdout.write(plan_text(planned, sys.stdout.encoding))
    sys.stdout.flush()


def show_dry_run(planned: SyncPlan, address: str, *, confirmed: bool) -> None:
    """Print what carrying the plan out would print; raises RefusedError where it would be refused."""
    if planned.refused:
        raise RefusedError("; ".join(planned.refused))
    for reason in () if confirmed else planned.confirm:
        say(f"needs --yes: {reason}")
    say(left_text(planned))
    say(f"{address}: {plan_summary(planned)} (nothing was written)")


def show_done(planned: SyncPlan, address: str, version: int) -> None:
    """Print what was done, and the version that it made."""
    say(left_text(planned))
    say(f"{address}: {plan_summary(planned)}{f'; version {version}' if version else ''}")


def say(line: str) -> None:
    """Print a line, unless it is empty; it may hold text of the destination."""
    if line:
        sys.stderr.write(f"{safe(line, 'utf-8')}\n")
