"""Print the names that templates meet in this Airflow: of a run with a logical date, and of one without.

It is a DAG file as well: `dag.test` reads it again from the dags folder, which is the folder of this file.
"""

from __future__ import annotations

import json
import sys
import warnings
from datetime import UTC, datetime
from typing import Any

warnings.simplefilter("ignore")

from airflow import __version__  # noqa: E402
from airflow.providers.common.compat.sdk import DAG, Asset, BaseOperator  # noqa: E402
from pydantic import BaseModel  # noqa: E402

AIRFLOW_3 = __version__.startswith("3.")
NOT_FOR_TEMPLATES = (
    "Any LC_TIME Locale TYPE_CHECKING add_deprecated_classes annotations format_datetime"
)
seen: dict[str, Any] = {}


def public(thing: Any) -> set[str]:
    """Return the attributes of an object without those that pydantic gives every model."""
    theirs = {"model_parametrized_name", *dir(BaseModel)} if isinstance(thing, BaseModel) else set()
    return {name for name in dir(thing) if not name.startswith("_")} - theirs


class Look(BaseOperator):
    """Remembers what its templates could have used."""

    def execute(self, context: Any) -> None:
        """Look at the context."""
        env = self.get_template_env()
        seen.update(
            context=sorted(context),
            ti=sorted(public(context["ti"])),
            dag_run=sorted(public(context["dag_run"])),
            dag=sorted(public(context["dag"])),
            var=sorted(context["var"]),
            macros=sorted(public(macros()) - set(NOT_FOR_TEMPLATES.split())),
            filters=sorted(env.filters),
            tests=sorted(env.tests),
        )


def macros() -> Any:
    """Return the module behind `macros`."""
    if AIRFLOW_3:
        from airflow.sdk.execution_time import macros as found
    else:
        from airflow import macros as found
    return found


with DAG("template_names", start_date=datetime(2026, 1, 1, tzinfo=UTC), schedule=None) as dag:
    Look(task_id="look", outlets=[Asset("y")])


def main() -> None:
    """Run the DAG once or twice."""
    day = datetime(2026, 1, 5, tzinfo=UTC)
    found = []
    for given in (
        [{"logical_date": day}, {"run_after": day, "logical_date": None}] if AIRFLOW_3 else [{}]
    ):
        seen.clear()
        dag.test(**given)
        found.append(dict(seen))
    sys.stdout.write("\n" + json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
