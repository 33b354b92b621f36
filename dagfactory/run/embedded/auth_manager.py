"""Airflow's simple auth manager, which answers no web page but its own, and has links to log in by.

Airflow 3.3.1 takes any `Host`, so that a page of a name that turns into 127.0.0.1 (DNS rebinding) reads its
answers, and serves requests that a page of another origin sends blindly. No setting refuses either.
It knows no login but by typing a password.
"""

from pathlib import Path
from typing import Any

from airflow.api_fastapi.app import get_cookie_path
from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
from airflow.api_fastapi.auth.managers.simple import simple_auth_manager
from airflow.configuration import AIRFLOW_HOME
from fastapi import FastAPI
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dagfactory.emulator.browsers import LOOPBACK_NAMES, refusal
from dagfactory.run.links import SPENT, take_link


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
    """The simple auth manager behind `OwnPagesOnly`, with links that log in once."""

    def get_fastapi_middlewares(self) -> list[tuple[Any, dict[str, Any]]]:
        """Return what every request passes first."""
        return [*super().get_fastapi_middlewares(), (OwnPagesOnly, {})]

    def get_fastapi_app(self) -> FastAPI | None:
        """Return the app that is served below /auth."""
        app = super().get_fastapi_app()
        if app:
            app.add_api_route("/once/{secret}", self._log_in, response_model=None)
            # the last one takes every path
            app.router.routes.insert(0, app.router.routes.pop())
        return app

    def _log_in(self, secret: str) -> Response:
        """Open the page of a link as the run's user."""
        page = take_link(Path(AIRFLOW_HOME, "links"), secret)
        if page is None:
            return PlainTextResponse(SPENT, 403)
        # after a redirection the link is in no history, and these neither keep nor tell it
        headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        response = RedirectResponse(page, 303, headers)
        token, path = self.generate_jwt(self.get_users()[0]), get_cookie_path()
        response.set_cookie(COOKIE_NAME_JWT_TOKEN, token, path=path, httponly=True, samesite="lax")
        return response
