"""SIGTERM to the task's own process, where that process has to live on: it runs the tests."""

from __future__ import annotations

import os
import signal


def sigterm() -> bool:
    """Send it; say whether the task would have ended here.

    Airflow calls on_kill in both lines. Airflow 3 then goes on; Airflow 2 raises what ends a worker,
    and dag.test() with it.
    """
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except BaseException as end:
        if type(end).__name__ != "AirflowTaskTerminated":
            raise
        return True
    return False
