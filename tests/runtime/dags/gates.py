"""One gate per kind of metrics, and gates inside task groups."""

from __future__ import annotations

from datetime import datetime

from airflow.providers.common.compat.sdk import DAG, Param, TaskGroup
from airflow.providers.standard.operators.empty import EmptyOperator
from dagfactory_runtime_under_test.gate import GateOperator

FILES = "gs://demo-ml/gates"
WHEN = ["cmp", ["metric", "accuracy"], ">=", ["param", "threshold"]]
SOURCES = {
    "good": f"{FILES}/good.json",
    "bad": f"{FILES}/bad.json",
    "null": f"{FILES}/null.json",
    "stopped": f"{FILES}/stopped.json",
    "absent": f"{FILES}/absent.json",
    "broken": f"{FILES}/broken.json",
    "nested": f"{FILES}/nested.json",
    "flat": f"{FILES}/flat.json",
    "text_of_a_long_one": '{"schema_version": 1, "metrics": {"accuracy": 0.96}, "complete": true}',
    "inline": '{"accuracy": 0.95}',
    "not_a_number": '{"accuracy": NaN}',
    "negated": '{"accuracy": NaN}',
}
TEXT = "accuracy >= params.threshold"


def two_ways(name: str, **fields: object) -> None:
    gate = GateOperator(
        task_id=name, text=TEXT, then=[f"{name}_yes"], otherwise=[f"{name}_no"], **fields
    )
    gate >> [EmptyOperator(task_id=f"{name}_yes"), EmptyOperator(task_id=f"{name}_no")]


with DAG(
    "gates",
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001
    catchup=False,
    params={"threshold": Param(0.9, type="number")},
) as dag:
    for source, address in SOURCES.items():
        expression = ["not", WHEN] if source == "negated" else WHEN
        two_ways(source, when=expression, metrics=address)
    two_ways(
        "query",
        when=["cmp", ["metric", "new_rows"], ">", ["num", 1000]],
        query="SELECT COUNT(*) AS new_rows FROM t WHERE date >= '{{ ds }}'",
        project="demo",
    )
    with TaskGroup("outer"), TaskGroup("inner"):
        two_ways("gate", when=WHEN, metrics=SOURCES["good"])
    to_group = GateOperator(
        task_id="to_group",
        when=WHEN,
        text=TEXT,
        metrics=SOURCES["good"],
        then=["release"],
        otherwise=["stop"],
    )
    with TaskGroup("release") as release:
        EmptyOperator(task_id="register") >> EmptyOperator(task_id="deploy")
    to_group >> [release, EmptyOperator(task_id="stop"), EmptyOperator(task_id="neutral")]
    alone = GateOperator(
        task_id="alone", when=WHEN, text=TEXT, metrics=SOURCES["bad"], then=["go"], otherwise=[]
    )
    alone >> [EmptyOperator(task_id="go"), EmptyOperator(task_id="go_too")]
