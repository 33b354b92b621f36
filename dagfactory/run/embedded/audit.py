"""Airflow's record of who did what, written without holding up its API server.

Airflow 3.3.1 commits that record in the server's event loop. A request of a task that has written
and waits for the loop in order to commit holds SQLite's one lock: the two wait for each other until
the lock times out (a minute), and both fail. That took no more than a click in the web UI, or
letting a DAG go, while a task began. Imported before the server's routes, this commits in a thread.
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from airflow.api_fastapi.logging import decorators
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

_Log = Callable[..., Awaitable[None]]


class _Later:
    """A session that leaves the commit to who made it."""

    def __init__(self, session: Session) -> None:
        self.add = session.add

    def commit(self) -> None:
        """Do nothing."""


def off_the_loop(made: Callable[..., _Log]) -> Callable[..., _Log]:
    """Wrap what makes Airflow's logging dependency so that its commit blocks a thread only."""

    @wraps(made)
    def action_logging(*arguments: Any, **options: Any) -> _Log:
        log = made(*arguments, **options)

        @wraps(log)  # FastAPI reads the parameters to provide from the signature
        async def log_action(*, session: Session, **provided: Any) -> None:
            await log(session=_Later(session), **provided)
            await run_in_threadpool(session.commit)

        return log_action

    return action_logging


decorators.action_logging = off_the_loop(decorators.action_logging)
