"""The generated parts of docs/language.md: tables of keys and outputs, from the models themselves.

The page is written by hand but for what stands between `<!-- keys: NAME -->` or `<!-- outputs: TYPE -->`
and `<!-- end -->`. `python -m tools.language_doc.page` brings those parts up to date.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from dagfactory import tasks
from dagfactory.compiler.compile import compile_spec
from dagfactory.diagnostics.diagnostic import DagfactoryError
from dagfactory.language.airflow import Airflow
from dagfactory.language.alerts import Alerts, Deadline, Monitoring, Notifier
from dagfactory.language.composer import Composer
from dagfactory.language.environment import EnvironmentFile, Pool
from dagfactory.language.job import JobTask, Machine
from dagfactory.language.money import Prices
from dagfactory.language.param import Param
from dagfactory.language.pipeline import Defaults, Pipeline
from dagfactory.language.schedule import Schedule
from dagfactory.language.task import Retries, TaskBase
from dagfactory.project.files import write_atomic
from dagfactory.tasks._google import GoogleTask
from tools.language_doc.types import expanded, shown_examples, type_words, value_words

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from dagfactory.compiler.plan.model import PlannedTask
    from dagfactory.language.common import SpecModel

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "language.md"
ENVIRONMENT = "dev"
"""The environment of specs/environments/ that examples are compiled for."""

SECTIONS: dict[str, type[SpecModel]] = {
    "spec": Pipeline,  # `pipeline` is a task type
    "schedule": Schedule,
    "params": Param,
    "defaults": Defaults,
    "environment": EnvironmentFile,
    "composer": Composer,
    "airflow": Airflow,
    "pools": Pool,
    "prices": Prices,
    "alerts": Alerts,
    "notifier": Notifier,
    "deadline": Deadline,
    "monitoring": Monitoring,
    "task": TaskBase,
    "retries": Retries,
    "job": JobTask,
    "machine": Machine,
    "google": GoogleTask,
}
"""Tables that are not a task type's, by name; keys of other tables link to them."""

OUTPUTS = {
    "by": "who has answered",
    "best": "the model directory of the best trial, the same as `model_dir`",
    "checkpoint": "the directory of checkpoints; of `validate_checkpoint`, the one that passed",
    "dir": "the task's own folder",
    "endpoint": "the endpoint's resource name",
    "job": "the job's id or resource name",
    "leaderboard": "a file of all trials, with the parameters and the metric of each",
    "logs": "TensorBoard logs",
    "loss": "the loss in the checkpoint's manifest",
    "metrics": "`metrics.json`, what gates read",
    "model": "the resource name of the registered version",
    "model_dir": "what the job wrote to `AIP_MODEL_DIR`",
    "parameters": "the best trial's value of this hyperparameter",
    "passed": "whether the condition held",
    "previous": "the version that held the alias before",
    "reason": "the decision in words",
    "result": "what the task returned",
    "results": "what each of them returned, in the order of the items",
    "run_id": "the id of the started run",
    "step": "the training step of the checkpoint",
    "table": "the table that was written, or waited for",
    "uri": "what the task wrote, for the next one to read",
    "value": "the best trial's metric",
}
"""What the outputs of tasks are; every output of every type has an entry."""

_PART = re.compile(r"<!-- (keys|outputs): (\w+) -->\n.*?<!-- end -->", re.DOTALL)
_EXAMPLE = re.compile(r"^```yaml\n(pipeline: .*?)^```$", re.MULTILINE | re.DOTALL)


def updated(page: str) -> str:
    """Return the page with its generated parts made anew.

    Raises DagfactoryError when an example does not compile or an output is not described.
    """
    found = dict(_examples(page))
    makers: dict[str, Callable[[str], str]] = {
        "keys": keys_table,
        "outputs": lambda name: outputs_table(found[name]),
    }

    def part(match: re.Match[str]) -> str:
        return f"<!-- {match[1]}: {match[2]} -->\n{makers[match[1]](match[2])}<!-- end -->"

    return _PART.sub(part, page)


def keys_table(name: str) -> str:
    """Return the table of a section's keys, or of a task type's own keys."""
    model = SECTIONS[name] if name in SECTIONS else tasks.task_type(name).model
    model.model_rebuild()
    rows = [_row(key, field) for key, field in _fields(model, name)]
    if not rows:
        return "No keys of its own.\n"
    return "| key | type | default | |\n|---|---|---|---|\n" + "".join(rows)


def _fields(model: type[SpecModel], name: str) -> Iterator[tuple[str, FieldInfo]]:
    """Yield the dotted keys of a table; those of the bases of a task type are left to their tables."""
    inherited: dict[str, FieldInfo] = {}
    for base in (JobTask, GoogleTask, TaskBase):
        if issubclass(model, base) and model is not base:
            inherited |= base.model_fields
    linked = frozenset(SECTIONS.values()) - {SECTIONS.get(name)}
    fields = sorted(
        model.model_fields.items(), key=lambda item: item[0] not in model.__annotations__
    )
    for key, field in fields:
        own = key not in inherited or inherited[key].default != field.default
        if own and not (key == "type" and name not in SECTIONS):
            yield from expanded(field.alias or key, field, linked)


def _row(key: str, field: FieldInfo) -> str:
    default = "**required**" if field.is_required() else value_words(field)
    cells = (f"`{key}`", type_words(field, SECTIONS), default, _meaning(field))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _meaning(field: FieldInfo) -> str:
    text = field.description or ""
    text = text[:1].upper() + text[1:].rstrip(".") + ("." if text else "")
    shown = ", ".join(shown_examples(field))
    return f"{text} Example: {shown}".strip() if shown else text


def outputs_table(item: PlannedTask) -> str:
    """Return the table of what `${tasks.ID.…}` offers, with the values of a planned example."""
    rows = [_output(item, path, value) for path, value in _leaves(item.outputs)]
    if not rows:
        return "No outputs.\n"
    return "| output | value | |\n|---|---|---|\n" + "".join(rows)


def _output(item: PlannedTask, path: tuple[str, ...], value: str) -> str:
    if path[0] not in OUTPUTS:
        raise DagfactoryError(f"say in OUTPUTS what `{path[0]}` of `{item.task.type}` is")
    shown = value.replace(item.context.run_dir, "${run.dir}")
    shown = "known when it ran" if "{{" in shown else f"`{shown}`"
    return f"| `${{tasks.{'.'.join((item.id, *path))}}}` | {shown} | {OUTPUTS[path[0]]} |\n"


def _leaves(outputs: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(outputs, dict):
        for key, value in outputs.items():
            yield from _leaves(value, (*path, key))
    else:
        yield path, str(outputs)


def examples(page: str) -> list[str]:
    """Return the whole pipelines that the page shows, in order."""
    return _EXAMPLE.findall(page)


def _examples(page: str) -> Iterator[tuple[str, PlannedTask]]:
    """Yield (type, task) for the tasks of all examples; the last of a type is that of its section."""
    with TemporaryDirectory() as name:
        specs = Path(name, "specs")
        shutil.copytree(ROOT / "specs", specs)
        for text in examples(page):
            path = specs / "example.yaml"
            path.write_text(text, encoding="utf-8")
            compiled = compile_spec(path, ENVIRONMENT)
            if compiled.plan is None:
                problems = "; ".join(each.message for each in compiled.diagnostics)
                raise DagfactoryError(f"an example does not compile: {problems}\n{text}")
            yield from ((item.task.type, item) for item in compiled.plan.tasks.values())


def main() -> int:
    """Rewrite the page; say so when it changed."""
    before = PAGE.read_text(encoding="utf-8")
    after = updated(before)
    if after != before:
        write_atomic(PAGE, after.encode())
        sys.stderr.write(f"{PAGE.name}: updated\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
