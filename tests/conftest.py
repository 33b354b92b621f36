"""What holds for every test: a cache of its own, and programs that can be interrupted."""

import os
import signal

import pytest
from hypothesis import settings
from size import LONG

# the same examples every time, except where somebody looks for new ones
settings.register_profile("dagfactory", derandomize=not LONG)
settings.load_profile("dagfactory")


def pytest_configure() -> None:
    """Take interrupts again where a script's background ignores them: programs inherit that."""
    # files of the emulator's buckets are there at once
    os.environ |= dict.fromkeys(("DAGFACTORY_SYNC_ARRIVAL", "DAGFACTORY_ROLLBACK_ARRIVAL"), "0")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory):
    os.environ["DAGFACTORY_CACHE"] = str(tmp_path_factory.mktemp("cache"))
