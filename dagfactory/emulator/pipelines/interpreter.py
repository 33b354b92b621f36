"""Follow a compiled pipeline: which task runs when, with which inputs, how often."""

import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Any

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.pipelines import template
from dagfactory.emulator.pipelines.bindings import bound, collected, handed_out
from dagfactory.emulator.pipelines.conditions import holds
from dagfactory.emulator.pipelines.placeholders import Places
from dagfactory.emulator.pipelines.task_details import TaskDetails
from dagfactory.emulator.pipelines.values import MALFORMED, Ended, PipelineError, Tree, Values

AT_ONCE, MOST_ITEMS, MOST_RETRIES = 16, 1000, 100
ALWAYS = "ALL_UPSTREAM_TASKS_COMPLETED"
# (task id, task name, component, executor, inputs) -> its end
Execute = Callable[[int, str, Tree, Tree, Values], Ended]


@dataclass
class Interpreter:
    """One run of one pipeline."""

    spec: Tree
    details: TaskDetails
    execute: Execute
    facts: Mapping[str, str]
    fail_fast: bool = False
    cancelled: threading.Event = field(default_factory=threading.Event)
    failed: threading.Event = field(default_factory=threading.Event)
    outside: tuple[threading.Event, ...] = ()  # of a dag that is retried: `failed` around it

    def run(self, name: str, values: Values) -> Ended:
        """Run the pipeline to its end."""
        root = self.details.begin(name, 0, values)
        ended = self._guarded(lambda: self._dag(root, self.spec["root"], values))
        return self._finished(root, ended)

    def _dag(self, parent: int, component: Tree, values: Values) -> Ended:
        """Run the tasks of a dag, each as soon as those before it have ended."""
        tasks, order = template.tasks(component), template.order(component)
        ended: dict[str, Ended] = {}
        running: dict[Future[Ended], str] = {}
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="pipeline") as pool:
            while order.is_active():
                for name in order.get_ready():
                    task, above = tasks[name], dict(ended)
                    running[pool.submit(self._task, parent, name, task, values, above)] = name
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    name = running.pop(future)
                    ended[name] = future.result()
                    order.done(name)
        return self._summed(ended.values(), handed_out(component, ended))

    def _summed(self, every: Any, values: Values) -> Ended:
        """Return the end of what has parts: failed when one of them has."""
        states = [each.state for each in every]
        if self.cancelled.is_set() and "CANCELLED" in states:
            return Ended("CANCELLED")
        errors = [each.error for each in every if each.state == "FAILED"]
        return Ended("FAILED", values, errors[0]) if errors else Ended("SUCCEEDED", values)

    def _guarded(self, call: Callable[[], Ended]) -> Ended:
        try:
            return call()
        except (PipelineError, ApiError, *MALFORMED) as error:
            return _failure(error)

    def _finished(self, record: int, ended: Ended) -> Ended:
        """Store the end of a task, which fails when its outputs are none that can be stored."""
        try:
            return self.details.end(record, ended)
        except MALFORMED as error:
            return self.details.end(record, _failure(error))

    def _task(
        self, parent: int, name: str, task: Tree, values: Values, ended: Mapping[str, Ended]
    ) -> Ended:
        """Run a task, or say why it does not run."""
        above = {each: ended[each] for each in template.upstream(task)}
        if self._is_held(task, above):
            state = "CANCELLED" if self.cancelled.is_set() else "NOT_TRIGGERED"
            return self.details.end(self.details.begin(name, parent, Values()), Ended(state))
        try:
            inputs = bound(task, values, ended, Places(self.facts))
            condition = task.get("triggerPolicy", {}).get("condition", "")
            runs = not condition or holds(condition, inputs.parameters)
            record = self.details.begin(name, parent, inputs)
        except (PipelineError, *MALFORMED) as error:
            record = self.details.begin(name, parent, Values())
            return self._noted(self.details.end(record, _failure(error)))
        if not runs:
            return self.details.end(record, Ended("NOT_TRIGGERED"))
        ended_ = self._guarded(lambda: self._loop_or_once(record, name, task, inputs))
        return self._noted(self._finished(record, ended_))

    def _noted(self, ended: Ended) -> Ended:
        if ended.state == "FAILED":
            self.failed.set()
        return ended

    def _is_held(self, task: Tree, above: Mapping[str, Ended]) -> bool:
        """Say whether a task does not run, whatever its condition."""
        if self.cancelled.is_set():
            return True
        if task.get("triggerPolicy", {}).get("strategy") == ALWAYS:
            return False
        if self._has_failed():
            return True
        return any(each.state != "SUCCEEDED" for each in above.values())

    def _has_failed(self) -> bool:
        """Say whether a failure lets nothing more begin."""
        return self.fail_fast and any(each.is_set() for each in (self.failed, *self.outside))

    def _loop_or_once(self, record: int, name: str, task: Tree, inputs: Values) -> Ended:
        component = template.component_of(self.spec, name, task)
        if not {"parameterIterator", "artifactIterator"} & set(task):
            return self._attempts(record, name, task, component, inputs)
        rounds = _rounds(task, inputs)
        limit = int(task.get("iteratorPolicy", {}).get("parallelismLimit", 0)) or AT_ONCE
        with ThreadPoolExecutor(min(limit, AT_ONCE), thread_name_prefix="pipeline") as pool:
            every = list(
                pool.map(
                    lambda at: self._iteration(record, f"{name}-{at[0]}", task, component, at[1]),
                    enumerate(rounds),
                )
            )
        return self._summed(every, collected(component, [each.values for each in every]))

    def _iteration(
        self, parent: int, name: str, task: Tree, component: Tree, inputs: Values
    ) -> Ended:
        record = self.details.begin(name, parent, inputs)
        if self.cancelled.is_set() or self._has_failed():
            state = "CANCELLED" if self.cancelled.is_set() else "NOT_TRIGGERED"
            return self.details.end(record, Ended(state))
        ended = self._guarded(lambda: self._attempts(record, name, task, component, inputs))
        return self._noted(self._finished(record, ended))

    def _attempts(
        self, record: int, name: str, task: Tree, component: Tree, inputs: Values
    ) -> Ended:
        """Run a task as often as its retry policy lets it fail."""
        values = replace(inputs, parameters=template.with_defaults(component, inputs.parameters))
        policy = task.get("retryPolicy", {})
        pause = _seconds(policy.get("backoffDuration", "0s"))
        for _ in range(_retries(policy)):
            # what fails inside of a dag that is tried again has not failed yet
            inside = replace(self, failed=threading.Event(), outside=(self.failed, *self.outside))
            ended = inside.once(record, name, component, values)
            if ended.state != "FAILED":
                return ended
            if self.cancelled.wait(pause):
                return Ended("CANCELLED")
            longest = _seconds(policy.get("backoffMaxDuration", "3600s"))
            pause = min(pause * float(policy.get("backoffFactor", 2) or 2), longest)
        return self.once(record, name, component, values)

    def once(self, record: int, name: str, component: Tree, values: Values) -> Ended:
        """Run a dag or an executor, one time."""
        if "dag" in component:
            return self._dag(record, component, values)
        return self.execute(
            record, name, component, template.executor(self.spec, component), values
        )


def _rounds(task: Tree, inputs: Values) -> list[Values]:
    """Return the inputs of each iteration of a loop; raises PipelineError."""
    if "artifactIterator" in task:
        loop = task["artifactIterator"]
        every = inputs.artifacts.get(loop["items"]["inputArtifact"], [])
        rounds = [
            replace(inputs, artifacts={**inputs.artifacts, loop["itemInput"]: [each]})
            for each in every
        ]
    else:
        loop = task["parameterIterator"]
        item = loop["itemInput"]
        rounds = [
            replace(inputs, parameters={**inputs.parameters, item: each})
            for each in _items(loop["items"], inputs)
        ]
    if len(rounds) > MOST_ITEMS:
        raise PipelineError(f"A loop over {len(rounds)} items has more than {MOST_ITEMS}.")
    return rounds


def _items(source: Tree, inputs: Values) -> list[Any]:
    given = source.get("raw") or inputs.parameters.get(source.get("inputParameter", ""))
    try:
        items = json.loads(given) if isinstance(given, str) else given
    except ValueError:
        items = None
    if not isinstance(items, list):
        raise PipelineError(f"What a loop goes over is not a list: {str(given)[:100]!r}.")
    return items


def _retries(policy: Tree) -> int:
    retries = int(policy.get("maxRetryCount", 0))
    if not 0 <= retries <= MOST_RETRIES:
        raise PipelineError(f"maxRetryCount {retries} is not a number from 0 to {MOST_RETRIES}.")
    return retries


def _failure(error: Exception) -> Ended:
    known = isinstance(error, PipelineError | ApiError)
    text = str(error) if known else f"The pipeline spec or a value is malformed: {error!r}"
    return Ended("FAILED", error=text)


def _seconds(duration: str) -> float:
    return float(duration.removesuffix("s") or 0)
