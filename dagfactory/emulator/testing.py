"""One emulator for a whole test process.

gRPC and httplib2 read their certificate settings once per process, so all tests of a process
have to share one authority: take the emulator from `shared`, not from `client.start`, unless
its clients are processes of their own.
"""

import atexit
import shutil
import tempfile
from functools import cache

from dagfactory.emulator.client import Emulator, start


@cache
def shared() -> Emulator:
    """Start an emulator with the bucket `demo-ml` on first use; it and its state end with this process.

    Put `shared().env` into `os.environ` before the first Google library is imported.
    """
    state = tempfile.mkdtemp(prefix="dagfactory-emulator-")
    emulator = start(state, slots=4, buckets=["demo-ml"])

    def end() -> None:
        emulator.stop()
        shutil.rmtree(state, ignore_errors=True)

    atexit.register(end)
    return emulator
