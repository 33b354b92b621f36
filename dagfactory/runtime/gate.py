"""A gate: follow one branch when a condition on metrics holds, the other one when it does not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowFailException, BaseBranchOperator

from . import expr, jobspec, links, metrics, storage
from . import session as sessions

SHOWN = 120
"""Characters of the metrics' text or address in a message."""


class GateOperator(BaseBranchOperator):
    """Decide by metrics and params which tasks follow; an unusable value does not pass.

    ``metrics`` is the ``gs://`` address of a metrics.json, or the text of one (for example an XCom), or
    None; or sources by their names (``sources.read``), whose metrics are called ``NAME.METRIC``.
    ``query`` is BigQuery SQL instead: the columns of its first row are the metrics. When the gate
    passes, everything downstream follows but ``otherwise``; when it does not, only ``otherwise`` does.
    XCom: ``{"passed", "reason", "metrics"}``. Raises AirflowFailException without metrics to decide on.
    """

    template_fields: Sequence[str] = (
        "when",
        "metrics",
        "query",
        "project",
        "location",
        "gcp_conn_id",
        "impersonation_chain",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"when": "json", "query": "sql"}
    ui_color = "#feefc3"
    operator_extra_links = links.offered(links.FOLDER, links.QUERY)

    def __init__(  # noqa: PLR0913 - one keyword per field of the task
        self,
        *,
        when: list[Any],
        text: str,
        then: list[str],
        otherwise: list[str],
        metrics: str | dict[str, Any] | None = None,
        query: str | None = None,
        project: str | None = None,
        location: str | None = None,
        gcp_conn_id: str = "google_cloud_default",
        impersonation_chain: str | Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.when = when
        self.text = text
        self.then = then
        self.otherwise = otherwise
        self.metrics = metrics
        self.query = query
        self.project = project
        self.location = location
        self.gcp_conn_id = gcp_conn_id
        self.impersonation_chain = impersonation_chain

    def session(self) -> sessions.Session:
        """Return a session with this task's connection."""
        return sessions.Session(self.gcp_conn_id, self.impersonation_chain)

    def execute(self, context: Any) -> Any:
        """Decide, write the decision to XCom and the log, then skip what does not follow."""
        links.push(self, context["ti"], {links.FOLDER: links.storage(self._first_address())})
        decision, values = self._decide(context)
        verdict = "passed" if decision.passed else "did not pass"
        self.log.info("Gate %s: %s\n%s\nmetrics: %s", verdict, self.text, decision.reason, values)
        answer = {"passed": decision.passed, "reason": decision.reason, "metrics": values}
        # Skipping ends the task by an exception on Airflow 3, so the XCom is pushed by hand before.
        context["ti"].xcom_push(key="return_value", value=answer)
        self.do_branch(context, self._branch(passed=decision.passed))
        return answer

    def _decide(self, context: Any) -> tuple[expr.Decision, dict[str, Any]]:
        values, problem = self._read(context)
        used = {name: metrics.as_json(values.get(name)) for name in expr.names(self.when).metrics}
        if problem:
            return expr.Decision(passed=False, reason=problem), used
        return expr.evaluate(self.when, values, dict(context["params"])), used

    def _read(self, context: Any) -> tuple[dict[str, Any], str]:
        """Return the metrics, and what is wrong with them."""
        if self.query:
            return self._first_row(self.query, context["ti"]), ""
        if isinstance(self.metrics, dict):
            from .sources import read

            return read(self.metrics, self.session(), lambda address: self._file(address, context))
        return ({}, "") if self.metrics is None else self._file(self.metrics, context)

    def _file(self, source: str, context: Any) -> tuple[dict[str, Any], str]:
        try:
            found = self._document(source, context)
        except ValueError as error:
            found = metrics.Metrics(problem=f"the metrics are not JSON: {error}")
        problem = f"{source[:SHOWN]}: {found.problem}" if found.problem else ""
        # A run that stopped early decides the gate. Without a document there is nothing to decide on:
        # `else` would end a run as succeeded whose training left no metrics.
        if problem and not found.stopped:
            raise AirflowFailException(problem)
        return dict(found.values), problem

    def _first_address(self) -> str | None:
        if not isinstance(self.metrics, dict):
            return self.metrics
        return next((each for each in self.metrics.values() if isinstance(each, str)), None)

    def _document(self, source: str, context: Any) -> metrics.Metrics:
        if not source.startswith(storage.SCHEME):
            return metrics.parse(json.loads(source))
        store = storage.StorageClient(self.session())
        found = metrics.parse(store.read_json(source))
        if found.flat and not self._written_by_success(source, context):
            return metrics.Metrics(problem=metrics.UNFINISHED)
        return found

    def _written_by_success(self, source: str, context: Any) -> bool:
        """Return whether the job before this gate that writes to an address wrote it and succeeded."""
        # only where a trigger rule lets the gate run after a failed job; a file of nobody's is the user's
        for task_id in self.upstream_task_ids:
            job = getattr(self.dag.get_task(task_id), "job", None)
            if isinstance(job, dict) and self._metrics_of(job, context) == source:
                result = context["ti"].xcom_pull(task_ids=task_id)
                return isinstance(result, dict) and result.get("metrics", True) is not None
        return True

    def _metrics_of(self, job: dict[str, Any], context: Any) -> str | None:
        rendered = self.render_template(jobspec.outputs(job), context)
        return dict(rendered).get("metrics")

    def _first_row(self, query: str, ti: Any) -> dict[str, Any]:
        from airflow.providers.google.cloud.hooks.bigquery import BigQueryHook

        hook = BigQueryHook(
            gcp_conn_id=self.gcp_conn_id, impersonation_chain=self.impersonation_chain
        )
        client = hook.get_client(project_id=self.project or hook.project_id, location=self.location)
        rows = client.query_and_wait(query, max_results=1)
        address = links.query(rows.project or "", rows.location or "", rows.job_id)
        links.push(self, ti, {links.QUERY: address})
        first = next(iter(rows), None)
        if first is None:
            raise AirflowFailException("the query returned no row: there is nothing to decide on")
        return {name: _plain(value) for name, value in first.items()}

    def _branch(self, *, passed: bool) -> list[str] | None:
        """Return the ids that follow; None skips everything downstream."""
        # do_branch needs every id that follows, also of tasks that only come `after` the gate.
        otherwise = [self._resolve(name) for name in self.otherwise]
        if not passed:
            return otherwise or None
        unwanted = self._roots(otherwise)
        following = [name for name in sorted(self.downstream_task_ids) if name not in unwanted]
        then = [self._resolve(name) for name in self.then]
        return list(dict.fromkeys([*then, *following])) or None

    def _roots(self, names: list[str]) -> set[str]:
        """Return task ids, with every task group replaced by its first tasks."""
        groups = self.dag.task_group_dict
        roots = [groups[n].roots if n in groups else [self.dag.get_task(n)] for n in names]
        return {root.node_id for found in roots for root in found}

    def _resolve(self, name: str) -> str:
        """Find a task or group by its full id, or beside this gate inside its own group."""
        # The innermost group first: an id there hides the same id outside of it.
        known = {*self.dag.task_ids, *self.dag.task_group_dict}
        prefix = self.task_id
        while "." in prefix:
            prefix = prefix.rpartition(".")[0]
            if f"{prefix}.{name}" in known:
                return f"{prefix}.{name}"
        if name in known:
            return name
        raise AirflowFailException(f"{self.task_id} leads to {name!r}, which is not in the DAG")


def _plain(value: Any) -> Any:
    """Turn BigQuery's NUMERIC into a float, and leave what a gate understands as it is."""
    from decimal import Decimal

    return float(value) if isinstance(value, Decimal) else value
