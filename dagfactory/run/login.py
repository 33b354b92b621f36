"""Who may use the Airflow of a run: one user, whose password is made for that run."""

import base64
import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from dagfactory.emulator.files import replace_text


@dataclass(frozen=True, slots=True)
class Login:
    """An administrator of Airflow, known to this run alone."""

    username: str = "admin"
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    @property
    def basic(self) -> str:
        """The login as a value of `Authorization` (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    def again(self, url: str) -> str:
        """Say how to log in when the link has been used."""
        user = f"user {self.username}, password {self.password}"
        return f"the link logs in, once; later: {url}\nthere log in as {user}"

    def write(self, path: Path) -> None:
        """Write the file in which Airflow's simple auth manager keeps passwords, for its owner only."""
        replace_text(path, json.dumps({self.username: self.password}) + "\n")
