"""Airflow's simple auth manager, which answers no web page but its own.

Airflow 3.3.1 takes any `Host`, so that a page of a name that turns into 127.0.0.1 (DNS rebinding) reads its
answers, and serves requests that a page of another origin sends blindly. No setting refuses either.
"""

from typing import Any

from airflow.api_fastapi.auth.managers.simple import simple_auth_manager
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from dagfactory.emulator.browsers import LOOPBACK_NAMES, refusal


class OwnPagesOnly:
    """Middleware that answers 403 to requests of other sites' pages, before any work."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request or pass it on; the server's start and end pass."""
        if reason := scope["type"] != "lifespan" and refusal(_headers(scope), LOOPBACK_NAMES):
            await PlainTextResponse(f"refused: {reason}\n", 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


class AuthManager(simple_auth_manager.SimpleAuthManager):
    """The simple auth manager behind `OwnPagesOnly`."""

    def get_fastapi_middlewares(self) -> list[tuple[Any, dict[str, Any]]]:
        """Return what every request passes first."""
        return [*super().get_fastapi_middlewares(), (OwnPagesOnly, {})]
