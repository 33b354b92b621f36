"""The end of a run in a few lines: what every task did, what came out, and what to do next."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from dagfactory.diagnostics.columns import table
from dagfactory.run.events import Failure, RunResult, TaskResult
from dagfactory.run.text import duration, number, shown

NO_METRICS = "no metrics.json"
_AGAINST = ("baseline", "chance")  # what an accuracy has to beat, where it was measured as well
_TELLING = ("accuracy", "f1", "auc", "score", "loss")  # what a metric's name holds, best first
_ADDRESSES = (
    "endpoint",
    "model",
    "model_dir",
    "checkpoint",
    "uri",
    "metrics",
)  # of `outputs`, most wanted first


def summary(result: RunResult, *, command: str, go_on: str) -> list[str]:
    """Return the lines to print; `command` repeats the run, `go_on` goes on with it."""
    return [
        "",
        *tasks_table(result.tasks, result.run_id),
        *_outcomes(result.tasks),
        *_failures(result.failures),
        "",
        _verdict(result),
        f"  logs       {shown(result.logs)}",
        *_places(result),
        *_experiments(result),
        *_next(result, command, go_on),
    ]


def tasks_table(tasks: tuple[TaskResult, ...], run_id: str) -> list[str]:
    """Lay out one row per task: state, tries, run time, its most telling metric, its artifact.

    Artifacts are shown from the run's folder on, resources by their last two names.
    """
    rows = [
        (
            task.task_id,
            _state(task),
            str(task.tries) if task.tries > 1 else "",
            duration(task.seconds),
            key_metric(task),
            _short(artifact(task), run_id),
        )
        for task in tasks
    ]
    return table(("task", "state", "tries", "time", "metric", "artifact"), rows)


def key_metric(task: TaskResult) -> str:
    """Return the metric a reader looks for first, as `name=value`."""
    value = _mapping(task.value)
    if "metric" in value and "value" in value:
        return f"{value['metric']}={number(value['value'])}"
    metrics = task.metrics or _mapping(value.get("metrics")) or _only(value, "loss")
    ranked = sorted(metrics, key=lambda name: _rank(name.lower()))
    if not ranked:
        return NO_METRICS if "outputs" in value and value.get("metrics", "") is None else ""
    told = f"{ranked[0]}={number(metrics[ranked[0]])}"
    against = [
        f"{kind} {number(metrics[kind + '_accuracy'])}"
        for kind in _AGAINST
        if f"{kind}_accuracy" in metrics
    ]
    return f"{told} ({', '.join(against)})" if against else told


def artifact(task: TaskResult) -> str:
    """Return the address of what a task made."""
    value = _mapping(task.value)
    outputs = _mapping(value.get("outputs"))
    places = [each.get(name) for each in (outputs, value) for name in _ADDRESSES]
    return next((place for place in places if isinstance(place, str)), "")


def _short(address: str, run_id: str) -> str:
    """Return the telling end of an address or of a resource's name."""
    if address.startswith("projects/"):
        return "/".join(address.split("/")[-2:])
    return address.rpartition(f"/{run_id}/")[2]


def _places(result: RunResult) -> list[str]:
    """Say where the run's folder is, in the bucket and on this machine."""
    folder = _folder(result)
    local = f"{shown(result.objects)}/{folder.removeprefix('gs://')}"
    if folder and result.objects.is_dir():
        return [f"  artifacts  {folder}", f"      here   {local}"]
    return [f"  artifacts  {folder}"] if folder else []


def _folder(result: RunResult) -> str:
    """Return the address of the run's folder, empty where no task wrote there."""
    marked = (artifact(task).partition(f"/{result.run_id}/") for task in result.tasks)
    return next((f"{head}/{result.run_id}" for head, found, _ in marked if found), "")


def _experiments(result: RunResult) -> list[str]:
    """Name the experiments that the run's jobs are in, and the command that draws what they wrote."""
    found = {str(value["experiment"]) for value in _values(result) if value.get("experiment")}
    if not found:
        return []
    folder = _folder(result)
    local = f"{shown(result.objects)}/{folder.removeprefix('gs://')}"
    place = local if result.objects.is_dir() else folder
    return [
        f"  experiment {', '.join(sorted(found))}",
        f"      draw   tensorboard --logdir {shlex.quote(place)}",
    ]


def _values(result: RunResult) -> Iterator[Mapping[str, Any]]:
    return (_mapping(task.value) for task in result.tasks)


def _only(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return {name: value[name]} if name in value else {}


def _state(task: TaskResult) -> str:
    if not task.instances:
        return task.state
    return f"{task.state} {task.instances[task.state]}/{task.instances.total()}"


def _rank(name: str) -> int:
    """Rank a metric's name; sorting is stable, so equals keep the order of the file."""
    found = [i for i, word in enumerate(_TELLING) if word in name]
    return min(found, default=len(_TELLING))


def _outcomes(tasks: tuple[TaskResult, ...]) -> list[str]:
    """Say what was decided, registered and deployed, from what these tasks returned."""
    lines = [line for task in tasks for line in _outcome(task, _mapping(task.value))]
    return ["", *lines] if lines else []


def _outcome(task: TaskResult, value: Mapping[str, Any]) -> Iterator[str]:
    if "passed" in value and "reason" in value:
        verdict = "passed" if value["passed"] else "did not pass"
        yield f"gate {task.task_id} {verdict}: {value['reason']}"
    if "chosen_options" in value:
        by = _mapping(value.get("responded_by_user")).get("name", "nobody in time")
        yield f"{task.task_id} was answered: {', '.join(value['chosen_options'])}, by {by}"
    if "trials" in value and "trial" in value:
        chosen = _pairs(value.get("parameters"))
        yield f"best trial of {value['trials']}: {value['trial']} with {chosen}"
    if "endpoint" in value:
        yield f"deployed to {value['endpoint']}, traffic {_pairs(value.get('traffic'))}"
    elif isinstance(value.get("model"), str):
        done = f"put the alias {value['alias']} on" if "alias" in value else "registered"
        yield f"{done} {value['model']}"


def _pairs(value: object) -> str:
    return ", ".join(f"{name}={number(one)}" for name, one in _mapping(value).items()) or str(value)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _failures(failures: tuple[Failure, ...]) -> list[str]:
    lines: list[str] = []
    for failure in failures[:3]:
        lines += ["", f"{failure.task} failed; the end of its log:"]
        lines += [f"  │ {line}" for line in failure.tail] or ["  │ (no log)"]
        logs = {"task log": failure.log, "job log": failure.job_log}
        lines += [f"  {name:<10} {shown(log)}" for name, log in logs.items() if log]
    if len(failures) > len(failures[:3]):
        lines += ["", f"… and {len(failures) - 3} more failed"]
    return lines


def _verdict(result: RunResult) -> str:
    words = {"success": "succeeded", "failed": "FAILED", "timeout": "was stopped by --timeout"}
    return f"{result.dag_id} {words[result.state]} after {duration(result.seconds)}"


def _next(result: RunResult, command: str, go_on: str) -> list[str]:
    if result.passed:
        return [f"  next       {command} --ui     to look around in Airflow's web UI"]
    return [
        f"  next       repair it and go on from there: {go_on}",
        f"             or run all of it again: {command}",
    ]
