"""Requests that come from a web page: every HTTP door asks this before any work.

Standard library only, and nothing of ours: Airflow 3 imports it, Airflow 2 gets a copy.
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

LOOPBACK_NAMES = ("127.0.0.1", "localhost")
_ELSEWHERE = ("cross-site", "same-site")


def refusal(headers: Mapping[str, str], names: Iterable[str], scheme: str = "http") -> str:
    """Return why a request to one of `names` (globs) is refused, '' when it is not.

    The names of the headers are lower case.
    """
    host = headers.get("host", "")
    # without the port: a tunnel to this machine has another one
    if not any(fnmatchcase(host.rpartition(":")[0] or host, name) for name in names):
        return f"the Host {host!r} is not served here"
    if headers.get("origin", f"{scheme}://{host}") != f"{scheme}://{host}":
        return f"a page of {headers['origin']} asks"
    # fetch metadata is the browser's own word; what sends none is no browser
    if headers.get("sec-fetch-site") in _ELSEWHERE:
        return "a page of another site asks; open the address by hand"
    return ""
