"""Errors that end a program with one plain line instead of a traceback."""

import os
import signal
import sys
from collections.abc import Callable, Sequence

USAGE_EXIT = 2
FAILURE_EXIT = 1
TIME_IS_UP = 75  # EX_TEMPFAIL of sysexits.h: start again to continue
INTERRUPTED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM  # as a shell says it: saved, start again to continue


class TrainerError(Exception):
    """A failure the user can act on: bad data, a missing mount, a non-finite loss."""

    exit_code = FAILURE_EXIT


class OtherRunError(TrainerError):
    """A checkpoint that is whole, but of other settings or data than this run."""


class UsageError(TrainerError):
    """A wrong argument or configuration file."""

    exit_code = USAGE_EXIT


def run_program(main: Callable[[Sequence[str]], int]) -> int:
    """Run `main` on the command line; print a mistake as one line, return the exit code."""
    try:
        return main(sys.argv[1:])
    except TrainerError as error:
        report(error)
        return error.exit_code
    except OSError as error:
        report(error)
        return FAILURE_EXIT
    except KeyboardInterrupt:
        sys.stderr.write("trainer: interrupted before there was a step to save\n")
        return INTERRUPTED


def report(error: Exception) -> None:
    """Print a mistake as one line; of several processes, all but the first name themselves."""
    rank = os.environ.get("RANK", "0") if "LOCAL_RANK" in os.environ else "0"
    who = "" if rank == "0" else f" in process {rank}"
    sys.stderr.write(f"trainer: error{who}: {error}\n")  # at once: others write too
    sys.stderr.flush()
