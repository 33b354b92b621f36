"""What flows between the tasks of a pipeline, and how a task ends."""

import json
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import json_format

Tree = dict[str, Any]
# what values lead to that no template checked before could have: no bug of ours, it ends one task
MALFORMED = (
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    json_format.Error,
)


class PipelineError(Exception):
    """What ends a task of a pipeline: its template asks for what there is not."""


@dataclass(frozen=True, slots=True)
class Values:
    """Parameters, and lists of artifacts, by name."""

    parameters: Tree = field(default_factory=dict)
    artifacts: dict[str, list[Tree]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a task: a state of PipelineTaskDetail, what it made, why it failed."""

    state: str
    values: Values = field(default_factory=Values)
    error: str = ""


def as_text(value: Any) -> str:
    """Return a parameter as it stands in a command line: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def typed(text: str, kind: str) -> Any:
    """Read what a task wrote as a parameter of a type; raises PipelineError."""
    if kind in ("STRING", "PARAMETER_TYPE_ENUM_UNSPECIFIED", ""):
        return text
    try:
        value = json.loads(text.lower() if kind == "BOOLEAN" else text)
    except ValueError:
        value = None
    if not fits(value, kind):
        raise PipelineError(f"{text[:100]!r} is not a value of type {kind}.")
    return value


def fits(value: Any, kind: str) -> bool:
    """Say whether a value is one of a parameter type."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    tests = {
        "STRING": isinstance(value, str),
        "BOOLEAN": isinstance(value, bool),
        "NUMBER_INTEGER": number and float(value).is_integer(),
        "NUMBER_DOUBLE": number,
        "LIST": isinstance(value, list),
        "STRUCT": isinstance(value, dict),
    }
    return tests.get(kind, True)
