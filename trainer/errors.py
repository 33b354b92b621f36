"""Errors that end a program with one plain line instead of a traceback."""

import sys
from collections.abc import Callable, Sequence

USAGE_EXIT = 2
FAILURE_EXIT = 1
TIME_IS_UP = 75  # EX_TEMPFAIL of sysexits.h: start again to continue


class TrainerError(Exception):
    """A failure the user can act on: bad data, a missing mount, a non-finite loss."""

    exit_code = FAILURE_EXIT


class UsageError(TrainerError):
    """A wrong argument or configuration file."""

    exit_code = USAGE_EXIT


def run_program(main: Callable[[Sequence[str]], int]) -> int:
    """Run `main` on the command line; print a mistake as one line, return the exit code."""
    try:
        return main(sys.argv[1:])
    except TrainerError as error:
        print(f"trainer: error: {error}", file=sys.stderr, flush=True)
        return error.exit_code
    except OSError as error:
        print(f"trainer: error: {error}", file=sys.stderr, flush=True)
        return FAILURE_EXIT
