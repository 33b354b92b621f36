"""`dagfactory jobs` and `dagfactory logs` from their arguments to their exit codes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from operator import attrgetter

from dagfactory.diagnostics.terminal import safe
from dagfactory.jobs import listing, log
from dagfactory.jobs.client import Client
from dagfactory.jobs.errors import NoJobError, NotSetUpError
from dagfactory.jobs.job import Job, Question, find
from dagfactory.jobs.place import Place, place_of
from dagfactory.rest.errors import AnswerError, NoCredentialsError
from dagfactory.rest.google_client import GoogleClient

_HERE = "runs on this machine are shown by `dagfactory runs` and `dagfactory logs TASK`"


@dataclass(frozen=True, slots=True)
class JobsOptions:
    """The arguments of `jobs`."""

    environment: str
    pipeline: str | None
    run: str | None
    every: bool
    cancel: bool
    regions: tuple[str, ...]
    form: str


def jobs(options: JobsOptions) -> int:
    """List jobs, or cancel those that live; return the exit code. Raises DagfactoryError."""
    if options.cancel and not (options.pipeline or options.run):
        raise NotSetUpError("--cancel without --pipeline or --run would end every job; give one")
    place = place_of(options.environment, options.regions)
    try:
        with GoogleClient() as google:
            return _listed(Client(google, place.project), place, options)
    except NoCredentialsError as error:
        # the environment may be the one of `dagfactory run`, which has none and needs none
        raise NoCredentialsError(error.reason, f"{error.remedy}; {_HERE}") from None


def _listed(client: Client, place: Place, options: JobsOptions) -> int:
    question = Question(options.pipeline, options.run, every=options.every and not options.cancel)
    found = find(client, place, question)
    if options.form == "json":
        sys.stdout.write(listing.as_json(found))
    elif found:
        sys.stdout.write(listing.text(found, sys.stdout.encoding))
    if not found:
        raise NoJobError(_none(place, question))
    if options.cancel:
        _cancel(client, found)
    return 0


def _cancel(client: Client, found: list[Job]) -> None:
    """Ask every job that lives to end; raises AnswerError after all, for those that were refused."""
    refused: list[AnswerError] = []
    for job in filter(attrgetter("live"), found):
        named = f"{safe(job.task, 'utf-8')}, job {job.id}"
        try:
            client.cancel(job.name)
        except AnswerError as error:
            # one that has ended meanwhile must not keep the others on their machines
            refused.append(error)
            sys.stderr.write(f"not cancelled: {named}\n")
        else:
            sys.stderr.write(f"cancelled: {named}\n")
    if refused:
        raise refused[0]


@dataclass(frozen=True, slots=True)
class LogsOptions:
    """The arguments of `logs`."""

    what: str
    environment: str
    pipeline: str | None
    run: str | None
    follow: bool
    regions: tuple[str, ...]


def logs(options: LogsOptions) -> int:
    """Print the log of a job, or of the newest job of a task. Raises DagfactoryError."""
    place = place_of(options.environment, options.regions)
    with GoogleClient() as google:
        client = Client(google, place.project)
        job = _named(client, place, options)
        sys.stderr.write(f"{job.name}: {job.state}\n")
        for line in log.lines(client, job.name, follow=options.follow):
            sys.stdout.write(f"{safe(line, sys.stdout.encoding)}\n")
            sys.stdout.flush()
    return 0


def _named(client: Client, place: Place, options: LogsOptions) -> Job:
    """Return the job of an id, or the newest one of a task."""
    is_id = options.what.rpartition("/")[2].isdecimal()
    # an index is a label of its own
    task, _, index = options.what.removesuffix("]").partition("[")
    question = Question(options.pipeline, options.run, None if is_id else task, every=True)
    for job in find(client, place, question):
        if options.what in (
            (job.id, job.name) if is_id else (job.task, _without_index(job, index))
        ):
            return job
    named = f" `{options.what}`" if is_id else ""
    raise NoJobError(_none(place, question, named))


def _without_index(job: Job, index: str) -> str:
    """Return the task of a job, of any index where none was asked for."""
    return job.task if index else job.task.partition("[")[0]


def _none(place: Place, question: Question, named: str = "") -> str:
    """Say what was looked for and where."""
    asked = {"pipeline": question.pipeline, "run": question.run, "task": question.task}
    words = "".join(f" of {key} `{value}`" for key, value in asked.items() if value)
    kind = "" if question.every else " that waits or runs"
    more = "" if question.every else "; --all lists those that have ended, too"
    return f"no job{named}{words}{kind} in {place.project}, {', '.join(place.regions)}{more}"
