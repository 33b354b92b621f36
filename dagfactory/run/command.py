"""The command behind `dagfactory run`: prepare, execute with progress, sum up."""

import shlex
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import click

from dagfactory.diagnostics.diagnostic import DagfactoryError
from dagfactory.run.approvals import from_here
from dagfactory.run.errors import tell
from dagfactory.run.events import NotReadyError, RunError, RunResult, Sink
from dagfactory.run.execute import RunOptions, execute
from dagfactory.run.go_on import GoOn, Inputs, from_task, only_task, rerun_failed
from dagfactory.run.interrupt import Stopped, Stopper, stoppable
from dagfactory.run.links import make_link
from dagfactory.run.prepare import Prepared, prepare
from dagfactory.run.progress import shown_on
from dagfactory.run.recorded import recorded
from dagfactory.run.records import Record, records, remembered
from dagfactory.run.refused import check_faults, check_spec, seconds, values
from dagfactory.run.state_folders import STATE, StateFolders, private_files
from dagfactory.run.summary import summary
from dagfactory.run.warm.client import ADVICE, Lease, leased


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What the user asked for on the command line."""

    spec: Path
    environment: str = "local"
    params: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    entrypoints: tuple[str, ...] = ()
    approvals: tuple[str, ...] = ()
    ui: bool = False
    fresh: bool = False
    timeout: str | None = None
    from_task: str | None = None
    only_task: str | None = None
    rerun_failed: bool = False
    force: bool = False
    state: Path = STATE

    @property
    def words(self) -> str:
        """The command that repeats this run."""
        return self._words(param=self.params, fault=self.faults)

    @property
    def words_to_go_on(self) -> str:
        """The command that goes on with this run: its params are the run's, its faults are over."""
        return f"{self._words()} --rerun-failed"

    def _words(self, **given: tuple[str, ...]) -> str:
        given |= {"entrypoint": self.entrypoints, "approve": self.approvals}
        options = [f"--{name}={one}" for name, every in given.items() for one in every]
        if self.environment != "local":
            options.append(f"--env={self.environment}")
        if self.state != STATE:
            options.append(f"--state={self.state}")
        return shlex.join(["dagfactory", "run", str(self.spec), *options])


def run(request: RunRequest) -> int:
    """Carry out a request and return the exit code; a user's mistake is told in a line."""
    try:
        with stoppable(sys.stderr) as stop:
            return _run(request, stop)
    except Stopped as stop:
        return stop.exit_code
    except DagfactoryError as error:
        return tell(error)


def _run(request: RunRequest, stop: Stopper) -> int:
    check_spec(request.spec)
    check_faults(request.faults)
    state = StateFolders(request.state.resolve())
    with leased(state) as lease:
        return _in(request, state, lease, stop)


def _in(request: RunRequest, state: StateFolders, lease: Lease | None, stop: Stopper) -> int:
    """Run in an Airflow of our own, or in the one that was borrowed."""
    with private_files():
        prepared = _borrowing(request, state) if lease else _alone(request, state)
    with ExitStack() as progress:
        sink = progress.enter_context(shown_on(sys.stderr))
        # a table that still updates would be drawn over what is printed
        stop.before(progress.close)
        go_on, earlier = _go_on(request, prepared, state)
        record = _record(request, prepared, earlier)
        options = _options(request, prepared, progress.close, record.command)
        options = replace(options, lease=lease, go_on=go_on)
        sink = remembered(sink, state.root, record, earlier.digests if earlier else None)
        result = _executed(request, prepared, state, options, sink)
    # with --ui `hold` has printed it, while Airflow still was there to be looked at
    if not request.ui:
        _print_summary(request, result, record.command)
    return 0 if result.passed else 1


def _executed(
    request: RunRequest, prepared: Prepared, state: StateFolders, options: RunOptions, sink: Sink
) -> RunResult:
    """Execute; where Airflow breaks under a run that has begun, its error says how to go on."""
    try:
        return execute(prepared.dags, prepared.dag_id, state=state, options=options, on_event=sink)
    except NotReadyError:
        raise
    except RunError as error:
        begun = records(state.root, prepared.dag_id)[:1]
        if not (begun and begun[0].is_alive()):
            raise
        advice = f"go on from there: {request.words_to_go_on}"
        raise RunError(str(error), *error.details, advice) from None


def _go_on(
    request: RunRequest, prepared: Prepared, state: StateFolders
) -> tuple[GoOn | None, Record | None]:
    """Return how to go on with the newest run of the pipeline, and that run, where it was asked for."""
    asked = [request.from_task, request.only_task, request.rerun_failed or None]
    if not any(asked):
        if request.force:
            raise NotReadyError(
                "--force belongs to --from or --rerun-failed: a new run keeps nothing"
            )
        return None, None
    if request.params or asked.count(None) != len(asked) - 1 or request.fresh:
        raise NotReadyError(
            "--from, --only and --rerun-failed go on with a run as it was started: "
            "give one of them, without --param and --fresh"
        )
    every = records(state.root, prepared.dag_id)
    found = [each for each in every if each.environment == request.environment]
    if not found:
        where = f" in the environment {request.environment}" if every else ""
        raise NotReadyError(
            f"there is no earlier run of {prepared.dag_id}{where}; run it whole first"
        )
    go_on = _chosen(request, found[0], prepared.inputs)
    if go_on.failed and not go_on.tasks and found[0].state == "success":
        raise NotReadyError(f"{go_on.run_id} has succeeded: there is nothing to run again")
    for task in go_on.tasks:
        if task not in asked:
            click.echo(f"stale: {task} is made from something else now; it runs again", err=True)
    return go_on, found[0]


def _chosen(request: RunRequest, record: Record, inputs: Inputs) -> GoOn:
    if request.from_task:
        return from_task(request.from_task, record, inputs, force=request.force)
    if request.only_task:
        return only_task(request.only_task, record, inputs)
    return rerun_failed(record, inputs, force=request.force)


def _record(request: RunRequest, prepared: Prepared, earlier: Record | None) -> Record:
    """Return what is to be remembered; who goes on with a run has its command and its begin."""
    digests = dict(prepared.inputs.digests)
    if earlier is None:
        words = request.words, request.words_to_go_on
        return Record(prepared.dag_id, "", request.environment, *words, digests=digests)
    return replace(earlier, state="running", digests=digests)


def _alone(request: RunRequest, state: StateFolders) -> Prepared:
    into = state.root / "bundles" / request.environment
    return prepare(request.spec, environment=request.environment, into=into)


def _borrowing(request: RunRequest, state: StateFolders) -> Prepared:
    """Put the bundle, and nothing of the run before, where the Airflow that stays looks for it."""
    if request.fresh:
        raise NotReadyError("--fresh would forget what `dagfactory up` is using", ADVICE)
    into = state.warm
    # bytecode too: it goes by size and second, and two runs may be less than that apart
    shutil.rmtree(into, ignore_errors=True)
    prepared = prepare(request.spec, environment=request.environment, into=into)
    if prepared.target != "airflow3":
        raise NotReadyError(f"`dagfactory up` keeps no Airflow for {prepared.target}", ADVICE)
    if prepared.dags != into:
        shutil.copytree(prepared.dags, into)
    return replace(prepared, dags=into)


def _options(
    request: RunRequest, prepared: Prepared, close_progress: Callable[[], None], command: str
) -> RunOptions:
    def hold(result: RunResult) -> None:
        close_progress()
        _print_summary(request, result, command)
        _stay(web_ui(result, StateFolders(request.state.resolve(), prepared.target).links))

    return RunOptions(
        target=prepared.target,
        params=values(request.params, prepared.params),
        emulator=[
            *prepared.emulator,
            *(f"--fault={one}" for one in request.faults),
            *(f"--entrypoint={one}" for one in _entrypoints(request)),
        ],
        timeout=seconds("--timeout", request.timeout) if request.timeout else None,
        fresh=request.fresh,
        hold=hold if request.ui else None,
        order=prepared.tasks,
        approvals=from_here(request.approvals, prepared.asks, ui=request.ui),
    )


def _entrypoints(request: RunRequest) -> tuple[str, ...]:
    for text in request.entrypoints:
        if "=" not in text:
            raise NotReadyError(f"--entrypoint {text}: write it as GLOB=COMMAND")
    return request.entrypoints


def _print_summary(request: RunRequest, result: RunResult, command: str) -> None:
    """Print what came of a run that `command` has begun."""
    click.echo("\n".join(summary(result, command=command, go_on=request.words_to_go_on)))
    click.echo("".join(f"{line}\n" for line in recorded(result, request.state.resolve())), nl=False)


def web_ui(result: RunResult, links: Path) -> str:
    """Say how to open Airflow's web UI: by a link that logs in, and from then on by its address."""
    link = make_link(links, result.url)
    return f"\nAirflow's web UI: {link}\n{result.login.again(result.url)}\n^C ends it"


def _stay(shown: str) -> None:
    """Leave everything up until ^C, which is here the normal way to end."""
    click.echo(shown)
    try:
        while True:
            signal.pause()  # returns after any signal; Stopped is raised by ours
    except Stopped:
        return
