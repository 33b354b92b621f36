"""Command line: `python -m dagfactory.emulator --state DIR`."""

import argparse
import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

from dagfactory.emulator import client, faults, lifetime
from dagfactory.emulator.files import PRIVATE
from dagfactory.emulator.options import Options


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to end; return the exit status (2: a wrong argument)."""
    os.umask(PRIVATE)  # jobs inherit it
    shutdown = lifetime.Shutdown()
    parser = _parser()
    options = parser.parse_args(arguments)
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    warnings.filterwarnings("ignore", category=FutureWarning)  # the libraries' end-of-life notes
    from dagfactory.emulator import fixtures
    from dagfactory.emulator.errors import ApiError, SeedError
    from dagfactory.emulator.server import EmulatorServer, pairs

    state = options.state.resolve()
    state.mkdir(parents=True, exist_ok=True)
    try:
        for spec in options.fault:
            faults.parse(spec)
        secrets = pairs(options.secret, "NAME=VALUE")
        secrets |= _from_environment(pairs(options.secret_from, "NAME=VARIABLE"))
        entrypoints = pairs(options.entrypoint, "GLOB=COMMAND")
        objects = pairs(options.object, "ADDRESS=FILE")
    except ValueError as error:
        parser.error(str(error))
    client.write_faults(state, options.fault)
    folder = options.fixtures
    with _kept(state, secrets):
        try:
            given = {} if folder is None else fixtures.entrypoints(folder.resolve())
            entrypoints = {**entrypoints, **given, **entrypoints}  # those given here first
            fixtures.put_files(objects, state / "gcs")
            server = EmulatorServer(_options(options, state, entrypoints))
        except (ApiError, SeedError, OSError) as error:
            parser.error(str(error))
        sys.stdout.write(server.announce(state) + "\n")
        sys.stdout.flush()
        logging.getLogger(__name__).info("end: %s", shutdown.wait())
        server.close()
    return 0


def _options(given: argparse.Namespace, state: Path, entrypoints: dict[str, str]) -> Options:
    buckets = (each.partition("=") for each in given.bucket)
    return Options(
        state=state,
        project=given.project,
        slots=given.slots,
        workdir=given.workdir.resolve(),
        entrypoints=entrypoints,
        fixtures=given.fixtures,
        machines=tuple(given.machine),
        port=given.port,
        project_numbers=given.project_numbers,
        buckets={name: place for name, _, place in buckets},
    )


@contextlib.contextmanager
def _kept(state: Path, secrets: dict[str, str]) -> Iterator[None]:
    """Keep secrets in their files while a block runs."""
    for name, value in secrets.items():
        client.write_secret(state, name, value)
    try:
        yield
    finally:
        for name in secrets:
            (state / client.SECRETS_DIRECTORY / name).unlink(missing_ok=True)


def _from_environment(variables: dict[str, str]) -> dict[str, str]:
    """Return secret → value of the variable named for it; raises ValueError for one that is not set."""
    missing = sorted(set(variables.values()) - os.environ.keys())
    if missing:
        raise ValueError(f"the variable {missing[0]} is not set")
    return {name: os.environ[variable] for name, variable in variables.items()}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dagfactory.emulator",
        description="Vertex AI, Cloud Storage, BigQuery, Dataflow and Secret Manager on loopback.",
    )
    parser.add_argument("--state", type=Path, required=True, help="directory for everything kept")
    parser.add_argument("--project", default="demo")
    parser.add_argument("--slots", type=int, default=2, help="jobs that run at once")
    parser.add_argument("--port", type=int, default=0, help="port of the proxy, 0: a free one")
    parser.add_argument("--workdir", type=Path, default=Path(), help="where jobs run")
    parser.add_argument(
        "--fixtures", type=Path, help="folder with tables and objects to start with"
    )
    repeated = {
        "--fault": "KIND:…, see docs/emulator.md",
        "--secret": "NAME=VALUE",
        "--secret-from": "NAME=VARIABLE, for a value that no list of processes should show",
        "--object": "ADDRESS=FILE, an object that is there from the start",
        "--bucket": "NAME[=LOCATION], a bucket that is there from the start",
        "--machine": "TYPE, a machine type that is newer than the lists",
        "--entrypoint": "GLOB=COMMAND, for images without a command and for Dataflow templates",
    }
    for flag, form in repeated.items():
        parser.add_argument(
            flag, action="append", default=[], metavar=form.split(",")[0], help=form
        )
    parser.add_argument(
        "--project-numbers", action="store_true", help="name projects by number in answers"
    )
    parser.add_argument("--verbose", action="store_true")
    return parser


if __name__ == "__main__":
    sys.exit(main())
