"""A plan as a DAG file: every task lowered, groups nested, edges between variables."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from dagfactory import __version__
from dagfactory.compiler.bundle.runtime_package import runtime_name
from dagfactory.compiler.lower.deadline import deadline_argument
from dagfactory.compiler.lower.schedule import schedule_arguments
from dagfactory.dagfile.identifiers import apart, distinct
from dagfactory.dagfile.model import Call, DagFile, Group, Header, Operator, Teardown, Variable
from dagfactory.dagfile.targets import target as target_named
from dagfactory.task_api.alerts import run_callbacks, task_callbacks
from dagfactory.task_api.arguments import delta, retry_arguments
from dagfactory.task_api.context import LoweringContext
from dagfactory.task_api.for_each import over_each
from dagfactory.tasks import task_type

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dagfactory.compiler.plan.model import Plan, PlannedTask
    from dagfactory.language.param import Param

MAX_COMMENT = 200
_BESIDE = {"composer", "airflow", "machines", "pools", "code"}
"""Fields of an environment that no DAG file is made from; of code, the file holds the hash."""


def lower(plan: Plan, *, source: str) -> DagFile:
    """Lower a plan; `source` is what the header calls the spec's file."""
    environment = plan.environment
    target = target_named(plan.target)
    lowering = LoweringContext(
        pipeline=plan.pipeline,
        environment=environment,
        target=target,
        package=f"{plan.package}.{runtime_name()}" if plan.package else runtime_name(),
        run_dir=plan.run_dir,
        outputs={item.id: item.outputs for item in plan.tasks.values()},
        roots={item.id: plan.starts(item) for item in plan.tasks.values()},
    )
    tree = _Tree(plan, lowering)
    made = DagFile(
        header=_header(plan, source, target.name, digest(plan)),
        dag=target.symbol("DAG"),
        group=target.symbol("TaskGroup"),
        arguments=lowering.data(dag_arguments(plan, lowering)),
        members=tree.members(()),
        edges=tree.edges(()),
        teardowns=tree.teardowns(),
    )
    return distinct(made)


def digest(plan: Plan) -> str:
    """Return the SHA-256 of everything the file is made from: the resolved spec and its environment."""
    # what only the files beside the DAG are made from would change its header and nothing else
    fields = plan.environment and plan.environment.model_dump(mode="json", exclude=_BESIDE)
    # a patch for prod must not touch the file for dev
    pipeline = {key: value for key, value in plan.node.plain().items() if key != "environments"}
    inputs = {"pipeline": pipeline, "environment": fields}
    text = json.dumps(inputs, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def dag_arguments(plan: Plan, lowering: LoweringContext) -> dict[str, Any]:
    """Return the DAG's own arguments, defaults of Airflow left out."""
    pipeline = plan.pipeline
    made: dict[str, Any] = {"dag_id": pipeline.pipeline}
    if pipeline.description:
        made["description"] = pipeline.description
    made |= schedule_arguments(pipeline, lowering)
    continuous = pipeline.schedule and pipeline.schedule.preset == "@continuous"
    limits = {
        # Airflow refuses a `@continuous` DAG with its own default of 16
        "max_active_runs": 1 if continuous else pipeline.max_active_runs,
        "max_active_tasks": pipeline.max_active_tasks,
        "dagrun_timeout": delta(pipeline.timeout) if pipeline.timeout else None,
        lowering.target.word("fail_fast"): pipeline.fail_fast or None,
        "max_consecutive_failed_dag_runs": pipeline.pause_after_failures,
        "owner_links": dict(pipeline.owner_links) or None,
    }
    made |= {key: value for key, value in limits.items() if value is not None}
    made |= run_callbacks(pipeline.alerts, lowering) | deadline_argument(pipeline.alerts, lowering)
    made["default_args"] = _default_arguments(plan) | task_callbacks(pipeline.alerts, lowering)
    if pipeline.params:
        made["params"] = {name: _param(item, lowering) for name, item in pipeline.params.items()}
    if pipeline.tags:
        made["tags"] = list(pipeline.tags)
    if pipeline.doc:
        made["doc_md"] = pipeline.doc
    return made


RETRIES: dict[str, Any] = {
    "retries": 2,
    "retry_delay": delta(timedelta(minutes=5)),
    "retry_exponential_backoff": True,
    "max_retry_delay": delta(timedelta(hours=1)),
}
"""What a task gets when neither it nor `defaults` says otherwise: a retry resumes, so it is safe."""


def _default_arguments(plan: Plan) -> dict[str, Any]:
    """Return what every task inherits: owner, retries, pool, queue, priority."""
    pipeline, defaults = plan.pipeline, plan.pipeline.defaults
    made: dict[str, Any] = {"owner": pipeline.owner} if pipeline.owner else {}
    made |= RETRIES | retry_arguments(defaults.retries)
    plain = {
        "pool": defaults.pool,
        "pool_slots": defaults.pool_slots,
        "queue": defaults.queue,
        "priority_weight": defaults.priority,
        "depends_on_past": defaults.depends_on_past,
        "wait_for_downstream": defaults.wait_for_downstream,
    }
    return made | {key: value for key, value in plain.items() if value is not None}


def _param(item: Param, lowering: LoweringContext) -> Any:
    """Return a `Param(default, schema…)`, which drives Airflow's trigger form."""
    keywords = item.model_dump(exclude_none=True, exclude={"default"})
    kind = keywords.pop("type")
    keywords = {"type": kind, **keywords}
    if item.default is None:
        # Airflow checks the default against the schema, and None is not a value of `kind`
        keywords["type"] = [kind, "null"]
        if item.enum:
            keywords["enum"] = [*item.enum, None]
    return Call(lowering.target.symbol("Param"), keywords, (item.default,))


def _header(plan: Plan, source: str, target: str, inputs: str) -> Header:
    """Return the header; a spec with an odd path is named by its pipeline."""
    # a file's name is a stranger's text: a line break in it would end the comment
    safe = source.isascii() and all(part.isalnum() or part in "_./-" for part in source)
    fine = safe and 0 < len(source) <= MAX_COMMENT
    return Header(
        generator=f"dagfactory {__version__}",
        source=source if fine else plan.pipeline.pipeline,
        digest=inputs,
        target=target,
        environment=plan.environment.environment if plan.environment else "none",
    )


class _Tree:
    """Nests lowered tasks into their groups and sorts edges to the innermost block that sees both ends."""

    def __init__(self, plan: Plan, lowering: LoweringContext) -> None:
        self.plan = plan
        self.lowering = lowering
        self.variables = {item.id: item.context.variable for item in plan.tasks.values()}
        self.taken = set(self.variables.values())

    def members(self, groups: tuple[str, ...]) -> tuple[Operator | Group, ...]:
        """Return what stands directly inside a group (the pipeline itself for no groups)."""
        return tuple(self._lower(item) for item in self._inside(groups))

    def edges(self, groups: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        """Return the edges whose ends share exactly these groups."""
        tasks = self.plan.tasks
        return tuple(
            (self.variables[edge.upstream], self.variables[edge.downstream])
            for edge in self.plan.edges
            # `as_teardown(setups=…)` draws these edges itself
            if edge.why != "teardown"
            and _shared(tasks[edge.upstream], tasks[edge.downstream]) == groups
        )

    def teardowns(self) -> tuple[Teardown, ...]:
        """Return which task takes down what others set up."""
        return tuple(
            Teardown(
                self.variables[item.id],
                tuple(Variable(self.variables[name]) for name in item.task.teardown.of),
                fails_run=item.task.teardown.fails_run,
            )
            for item in self.plan.tasks.values()
            if item.task.teardown
        )

    def _inside(self, groups: tuple[str, ...]) -> Iterable[PlannedTask]:
        return (item for item in self.plan.tasks.values() if item.groups == groups)

    def _lower(self, item: PlannedTask) -> Operator | Group:
        lowered = task_type(item.task.type).lower(item.task, self.lowering, item.context)
        if item.context.mapped and isinstance(lowered, Operator):
            lowered = over_each(lowered, item.task, self.lowering)
        made: Operator | Group = self.lowering.data(lowered)
        if not isinstance(made, Group):
            return made
        if made.members:
            # lowering made these members, so planning has not kept their variables apart from others
            made = apart(made, self.taken)
            self.taken.update(each.variable for each in made.members)
            return made
        inner = (*item.groups, item.id)
        return replace(made, members=self.members(inner), edges=self.edges(inner))


def _shared(left: PlannedTask, right: PlannedTask) -> tuple[str, ...]:
    """Return the groups that both tasks lie in; a group itself lies in its parents only."""
    common: list[str] = []
    for one, other in zip(left.groups, right.groups, strict=False):
        if one != other:
            break
        common.append(one)
    return tuple(common)
