"""The texts that Airflow renders: those of tasks, and those of alerts, which know more names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from dagfactory.compiler.lint._template import Template
from dagfactory.compiler.plan.texts import FIXED
from dagfactory.diagnostics.span import Pointer
from dagfactory.tasks._hole import Hole

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan, PlannedTask
    from dagfactory.diagnostics.span import KeyPath


_FIXED = FIXED | {"for_each"}


@dataclass(frozen=True, slots=True)
class Text:
    """A text with its place; it belongs to no task when it is one of the pipeline's alerts."""

    item: PlannedTask | None
    path: KeyPath
    text: str

    @property
    def template(self) -> Template:
        """Return what the text uses."""
        return _template(self.text)

    @property
    def key(self) -> str:
        """Return the key of its task, or of the pipeline, under which it stands."""
        return str(self.path[len(self.item.path) if self.item else 0])

    @property
    def type(self) -> str:
        """Return the type of its task."""
        return self.item.task.type if self.item else ""

    @property
    def in_alert(self) -> bool:
        """Whether it is rendered when an alert is sent."""
        return self.key == "alerts"

    @property
    def severity(self) -> Literal["error", "warning"]:
        """Return how certain it is that a name which is not defined fails the task.

        An alert is then sent with its default text; an argument of any operator may be no template.
        """
        return "warning" if self.in_alert or self.type == "operator" else "error"

    def expression(self, start: int) -> Pointer:
        """Return the place of the whole expression that a variable at an offset is printed by."""
        before = self.text.rfind("{{", 0, start) + len("{{")
        end = self.text.find("}}", start)
        inner = self.text[before:end].strip("-+ \n\t")
        begin = self.text.index(inner, before)
        return Pointer(self.path, start=begin, end=begin + len(inner))


def rendered(plan: Plan) -> Iterator[Text]:
    """Yield every text that Airflow renders, where there is anything to render."""
    for item in plan.tasks.values():
        # what a task with mistakes does with its texts is not known
        if isinstance(item.task, Hole):
            continue
        for path, text in plan.texts[item.path]:
            if "{" in text and path[len(item.path)] not in _FIXED:
                yield Text(item, path, text)
    alerts = plan.node.find(("alerts",))
    for path, node in alerts.walk(("alerts",)) if alerts else ():
        if isinstance(node.value, str):
            yield Text(None, path, node.value)


# one text is asked by several checks, and the same texts come back in each environment
@lru_cache(maxsize=4096)
def _template(text: str) -> Template:
    """Read a text; nothing is used in one that holds no template, or none that can be read."""
    if "{{" not in text and "{%" not in text:
        return Template()
    # Jinja is loaded where there is something to read
    from dagfactory.compiler.lint._jinja import read

    return read(text)
