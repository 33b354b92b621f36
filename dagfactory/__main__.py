"""The program: runs a command and turns whatever happens into an exit code and one plain line."""

from __future__ import annotations

import errno
import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

INTERRUPTED = 130
BUG = 70
# any other number of an OSError leaves the log of a bug, since it may be one of ours
REFUSED = {
    errno.EACCES,
    errno.EDQUOT,
    errno.EIO,
    errno.EMFILE,
    errno.ENAMETOOLONG,
    errno.ENFILE,
    errno.ENOSPC,
    errno.EPERM,
    errno.EROFS,
}
"""What an operating system refuses whoever asks: a full disk, a folder of somebody else."""


def main() -> None:
    """Run the command line of this process and leave with its exit code."""
    # trees of specs hold no circles: looking for garbage in them is a tenth of a big render
    gc.set_threshold(200_000, 20, 50)
    # none is wanted, and looking for one reads the metadata of every installed package
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    _open_streams()
    code = run(sys.argv[1:])
    gc.freeze()  # the interpreter would look once more, through everything that is left
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command; never raises. Exit codes are listed by `dagfactory --help`."""
    import click

    from dagfactory import cli

    try:
        code = cli.main.main(list(arguments), prog_name="dagfactory", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:
        return _reader_gone()
    except Exception as error:  # noqa: BLE001
        return _failed(error, arguments)
    return code if isinstance(code, int) else 0


def _failed(error: Exception, arguments: Sequence[str]) -> int:
    """Say what a DagfactoryError says; anything else is a bug and goes into a file."""
    from dagfactory.diagnostics.diagnostic import DagfactoryError

    if isinstance(error, OSError) and error.errno in REFUSED:
        from dagfactory.project.files import plain

        _silence()
        error = plain(error)
    if isinstance(error, DagfactoryError):
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    path = _write_log(error, arguments)
    sys.stderr.write(
        f"error: a bug in dagfactory ({type(error).__name__}); please report it with {path}\n"
    )
    return BUG


def _write_log(error: Exception, arguments: Sequence[str]) -> str:
    """Write what a report of a bug needs to a new file and return its path."""
    import platform
    import tempfile
    import traceback
    from importlib.metadata import version

    from dagfactory.cli import _version

    libraries = " ".join(f"{name} {version(name)}" for name in ("pydantic", "pyyaml"))
    versions = f"dagfactory {_version.version()} {libraries}"
    with tempfile.NamedTemporaryFile(
        "w", prefix="dagfactory-", suffix=".log", delete=False, encoding="utf-8"
    ) as log:
        log.write(f"{versions} Python {platform.python_version()} {platform.platform()}\n")
        log.write(f"arguments: {list(arguments)}\n\n")
        log.write("".join(traceback.format_exception(error)))
    return log.name


def _reader_gone() -> int:
    _silence()
    return 1


def _silence() -> None:
    """Keep the interpreter from complaining at exit about what could not be written to stdout."""
    with suppress(OSError):  # a stream of a test or a notebook has no number
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _open_streams() -> None:
    """Give a process that was started with closed streams (`>&-`) some that swallow everything."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115


if __name__ == "__main__":
    main()
