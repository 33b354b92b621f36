"""Links that open a page of a run's Airflow and log in: each works once.

Standard library only, and nothing of ours: Airflow 3 imports it, Airflow 2 gets a copy.
"""

import hashlib
import secrets
from pathlib import Path
from urllib.parse import urlsplit

PREFIX = "/auth/once/"
"""Where Airflow looks for a link's secret."""

SPENT = "this link was used before; if not by you, end the run: who did is logged in\n"
"""What who comes second is told."""


def make_link(folder: Path, url: str) -> str:
    """Return a link to a page, good for one use; `folder` is the one that Airflow takes it from."""
    secret, address = secrets.token_urlsafe(32), urlsplit(url)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = _file(folder, secret)
    file.touch(mode=0o600, exist_ok=False)
    file.write_text(address.path or "/")
    return f"{address.scheme}://{address.netloc}{PREFIX}{secret}"


def take_link(folder: Path, secret: str) -> str | None:
    """Return the page of a link, which is spent now; None for one that is not, or no longer, there."""
    file = _file(folder, secret)
    try:
        page = file.read_text()
        file.unlink()  # of two who read it, one gets here
    except FileNotFoundError:
        return None
    return page


def _file(folder: Path, secret: str) -> Path:
    """Return the file that stands for a secret without telling it: its name is a hash."""
    return folder / hashlib.sha256(secret.encode()).hexdigest()
