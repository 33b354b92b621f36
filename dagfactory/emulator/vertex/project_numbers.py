"""Project ids and numbers: requests may have either, Vertex AI's answers have the number."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from google.protobuf import any_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from dagfactory.emulator.protos import message_class
from dagfactory.emulator.rpc_routes import Method
from dagfactory.emulator.vertex import resource_names

NAME = re.compile(r"projects/[^/]+/locations/.+")
QUOTED = re.compile(r"""(?<=["'])projects/[^/"']+/locations/[^"']+""")
FILTER = "filter"
OF_THE_USER = ("training_task_inputs", "job_spec", "trial_job_spec")
"""Fields that come back as they were given, arguments of programs among them."""
Change = Callable[[str], str]


class ProjectNumbers:
    """The projects that were asked about; with `in_answers` all names in answers have numbers."""

    def __init__(self, names: Iterable[str], *, in_answers: bool) -> None:
        self._ids = dict[str, str]()
        self._in_answers = in_answers
        for name in names:
            self._learned(name)

    def around(self, method: Method) -> Method:
        """Return a method whose requests have ids and whose answers have numbers."""

        def call(request: Any) -> Any:
            renamed(request, self._with_id)
            answer = method.call(request)
            return renamed(answer, resource_names.numbered) if self._in_answers else answer

        return replace(method, call=call)

    def _with_id(self, name: str) -> str:
        _, project, rest = self._learned(name).split("/", 2)
        return f"projects/{self._ids.get(project, project)}/{rest}"

    def _learned(self, name: str) -> str:
        project = name.split("/")[1]
        if not project.isdigit():
            self._ids[resource_names.numbered(name).split("/")[1]] = project
        return name


def renamed(message: Any, change: Change) -> Any:
    """Change every resource name in a message, in place; return it."""
    for field, value in message.ListFields():
        if field.name not in OF_THE_USER:
            _rename_field(message, field, value, change)
    return message


def _rename_field(message: Any, field: FieldDescriptor, value: Any, change: Change) -> None:
    text = field.type == FieldDescriptor.TYPE_STRING
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        for each in _messages(field, value):
            _rename_any(each, change) if isinstance(each, any_pb2.Any) else renamed(each, change)
    elif text and field.is_repeated:
        value[:] = [_name(each, change) for each in value]
    elif text and field.name == FILTER:
        message.filter = QUOTED.sub(lambda match: change(match[0]), value)
    elif text:
        setattr(message, field.name, _name(value, change))


def _messages(field: FieldDescriptor, value: Any) -> list[Any]:
    """Return the messages of a field: itself, those of a list, the values of a map that are some."""
    every = value.values() if hasattr(value, "values") and field.is_repeated else value
    found = list(every) if field.is_repeated else [every]
    return [each for each in found if isinstance(each, Message)]


def _rename_any(packed: any_pb2.Any, change: Change) -> None:
    inner = message_class(packed.TypeName())()
    packed.Unpack(inner)
    packed.Pack(renamed(inner, change))


def _name(text: str, change: Change) -> str:
    return change(text) if NAME.fullmatch(text) else text
