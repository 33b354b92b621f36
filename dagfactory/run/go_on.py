"""Go on with an earlier run: which of its tasks run again, and which keep what they made."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dagfactory.diagnostics.wording import did_you_mean
from dagfactory.run.airflow_api import AirflowApi
from dagfactory.run.events import NotReadyError
from dagfactory.run.records import Record

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan, PlannedTask

_FINISHED = ("success", "skipped")


@dataclass(frozen=True, slots=True)
class Inputs:
    """What each task of a spec is made from, as a digest, and the tasks that come before it."""

    digests: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GoOn:
    """An earlier run and the spec's tasks to clear in it; `failed` clears what did not succeed.

    With `downstream` what comes after those tasks is cleared as well; `before` are tasks that are
    cleared only where they have not succeeded. Tasks that are not `known` to be the spec's have to be in
    the earlier run.
    """

    run_id: str
    tasks: tuple[str, ...] = ()
    downstream: bool = True
    failed: bool = False
    before: frozenset[str] = frozenset()
    known: bool = True


def inputs_of(plan: "Plan", code: str) -> Inputs:
    """Return the inputs of every task of a plan; `code` names the project's own code."""
    params = {name: each.model_dump(mode="json") for name, each in plan.pipeline.params.items()}
    made_of = {name: [code, *_made_of(plan, each)] for name, each in plan.tasks.items()}
    digests = {name: _digest(each, made_of[name], params) for name, each in plan.tasks.items()}
    direct = {name: _direct(plan, each) for name, each in plan.tasks.items()}
    return Inputs(digests, {name: _closure(name, direct) for name in direct})


def _made_of(plan: "Plan", item: "PlannedTask") -> list[str]:
    """Return what a task is made of beside its own keys: files of the bundle, a job's image and machine."""
    from dagfactory.compiler.bundle.sidecars import files_of
    from dagfactory.language.job import JobTask

    files, defaults = sorted(files_of(item.task, plan.pipeline)), plan.pipeline.defaults
    if not isinstance(item.task, JobTask):
        return files
    machine = item.task.machine or defaults.machine
    return [*files, item.task.image or defaults.image or "", str(machine and machine.model_dump())]


def _digest(item: "PlannedTask", code: Sequence[str], params: Mapping[str, Any]) -> str:
    model = item.task.model_dump(mode="json", by_alias=True, exclude_unset=True)
    text = json.dumps([model, code, item.groups], sort_keys=True, default=str)
    # a default that changes reaches the tasks that name the param, in whatever form
    used = {name: each for name, each in params.items() if "params" in text and name in text}
    if used:
        text += json.dumps(used, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _direct(plan: "Plan", item: "PlannedTask") -> set[str]:
    """Return the tasks that a task waits for, itself or by a group around it."""
    names = {
        name for each in (item.id, *item.groups) for name in plan.upstream.get(each, frozenset())
    }
    members = {each.id for name in names for each in plan.inside.get(name, ())}
    return (names | members) & plan.tasks.keys()


def _closure(name: str, direct: Mapping[str, set[str]]) -> frozenset[str]:
    found: set[str] = set()
    left = [name]
    while left:
        new = direct[left.pop()] - found
        found |= new
        left += new
    return frozenset(found)


def from_task(task: str, record: Record, inputs: Inputs, *, force: bool) -> GoOn:
    """Return how to go on from a task: with it, what comes after it, and what is stale before it."""
    _check(task, inputs)
    before = inputs.before.get(task, frozenset())
    old = () if force else stale(before, record, inputs)
    known = bool(inputs.digests)
    return GoOn(record.run_id, (*old, task), before=before - set(old), known=known)


def only_task(task: str, record: Record, inputs: Inputs) -> GoOn:
    """Return how to run one task of an earlier run again, and nothing after it."""
    _check(task, inputs)
    return GoOn(record.run_id, (task,), downstream=False, known=bool(inputs.digests))


def rerun_failed(record: Record, inputs: Inputs, *, force: bool) -> GoOn:
    """Return how to run again what did not succeed, and what is stale."""
    old = () if force else stale(inputs.digests, record, inputs)
    return GoOn(record.run_id, tuple(old), failed=True)


def stale(tasks: Iterable[str], record: Record, inputs: Inputs) -> tuple[str, ...]:
    """Return those of some tasks that are made from something else now than in the earlier run."""
    now = inputs.digests
    return tuple(each for each in sorted(tasks) if record.digests.get(each) != now[each])


def _check(task: str, inputs: Inputs) -> None:
    if inputs.digests and task not in inputs.digests:
        known = did_you_mean(task, inputs.digests, "of the spec")
        raise NotReadyError(f"there is no task `{task}`; {known}")


def clear(api: AirflowApi, dag_id: str, plan: GoOn) -> frozenset[str]:
    """Clear tasks of a run as Airflow clears them, and let the run begin again.

    Returns the ids of the tasks, and groups around them, that keep what they have made.
    """
    path = ("dags", dag_id, "dagRuns", plan.run_id)
    instances = api.get(*path, "taskInstances", limit=10000)["task_instances"]
    cleared: list[dict[str, Any]] = []
    wanted = _of(plan.tasks, instances)
    if plan.tasks and not wanted and not plan.known:
        raise NotReadyError(f"there is no task `{plan.tasks[-1]}` in {plan.run_id}")
    if wanted:
        cleared += _clear(api, dag_id, plan.run_id, wanted, include_downstream=plan.downstream)
    unfinished = [each for each in instances if each["state"] not in _FINISHED]
    left = unfinished if plan.failed else _within(plan.before, unfinished)
    if left:
        ids = [[each["task_id"], each["map_index"]] for each in left if each["state"]]
        if ids:
            # downstream as well: what was skipped because of a failure has to be judged again
            cleared += _clear(api, dag_id, plan.run_id, _plain(ids), include_downstream=True)
    # where nothing was cleared the run may still have tasks that never began
    api.patch(*path, body={"state": "queued"})
    return _kept(instances, cleared)


def _kept(instances: list[dict[str, Any]], cleared: list[dict[str, Any]]) -> frozenset[str]:
    """Return the ids of tasks of which any instance has finished and was not cleared."""
    # Airflow 2 clears whole tasks, and names no instances of a mapped one
    again = {(each["task_id"], each.get("map_index")) for each in cleared}
    made = [each for each in instances if each["state"] in _FINISHED]
    keys = (
        (each, {(each["task_id"], index) for index in (each["map_index"], None)}) for each in made
    )
    return frozenset(part for each, names in keys if not names & again for part in _parts(each))


def _of(tasks: Iterable[str], instances: list[dict[str, Any]]) -> list[Any]:
    """Return Airflow's ids of tasks of the spec: `search.trials` belongs to `search`."""
    wanted = set(tasks)
    return sorted({each["task_id"] for each in instances if wanted & set(_parts(each))})


def _within(tasks: Iterable[str], instances: list[dict[str, Any]]) -> list[dict[str, Any]]:
    wanted = set(tasks)
    return [each for each in instances if wanted & set(_parts(each))]


def _parts(instance: Mapping[str, Any]) -> list[str]:
    return str(instance["task_id"]).split(".")


def _plain(ids: list[list[Any]]) -> list[Any]:
    return [name if index < 0 else [name, index] for name, index in ids]


def _clear(
    api: AirflowApi, dag_id: str, run_id: str, ids: list[Any], **more: Any
) -> list[dict[str, Any]]:
    """Clear, and return what was cleared."""
    body = {"dry_run": False, "dag_run_id": run_id, "task_ids": ids, "only_failed": False}
    body |= {"reset_dag_runs": True, **more}
    return list(api.post("dags", dag_id, "clearTaskInstances", body=body)["task_instances"])
