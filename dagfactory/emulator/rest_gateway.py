"""The REST gateway: HTTP/JSON to request messages and back, by the route table."""

import logging
from collections.abc import Sequence
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor

from dagfactory.emulator.errors import ApiError, not_served
from dagfactory.emulator.faults import Faults
from dagfactory.emulator.http_server import HttpRequest, HttpResponse, json_response
from dagfactory.emulator.identity import Identity
from dagfactory.emulator.protos import message_class
from dagfactory.emulator.rpc_routes import Method

log = logging.getLogger(__name__)
# parameters of every Google API (https://cloud.google.com/apis/docs/system-parameters)
SYSTEM = {"alt", "$alt", "key", "fields", "$fields", "prettyPrint", "quotaUser", "userProject"}


class RestGateway:
    """Serves a set of methods; one instance per API host."""

    def __init__(self, methods: Sequence[Method], faults: Faults, identity: Identity) -> None:
        self._methods, self._faults, self._identity = methods, faults, identity

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one REST request."""
        try:
            self._identity.require(request.headers.get("authorization"))
            response = self._call(request)
        except ApiError as error:
            log.info("%s %s: %s %s", request.method, request.path, error.status, error.message)
            return json_response(error.as_json(), error.http, error.headers)
        return json_response(json_format.MessageToDict(response))

    def _call(self, request: HttpRequest) -> Any:
        for method in self._methods:
            match = method.verb == request.method and method.pattern.fullmatch(request.path)
            if match:
                self._faults.fail_call(method.name)
                message = message_class(method.request_type)()
                _read(message, method, request, match.groups())
                log.info("rest %s %s", method.name, request.path)
                return method.call(message)
        raise not_served(f"{request.method} {request.path}")


def _read(message: Any, method: Method, request: HttpRequest, values: Sequence[str]) -> None:
    try:
        if method.body:
            target = message if method.body == "*" else getattr(message, method.body)
            json_format.ParseDict(request.json(), target)
            if method.body != "*":
                target.SetInParent()
        for name, texts in request.query.items():
            if name not in SYSTEM:
                _assign(message, name, texts)
        for name, value in zip(method.variables, values, strict=True):
            _assign(message, name, [value])
    except (json_format.ParseError, ValueError, AttributeError) as error:
        raise ApiError("INVALID_ARGUMENT", f"Invalid request: {error}") from None


def _assign(message: Any, path: str, texts: list[str]) -> None:
    """Set a dotted field (camelCase or snake_case) from query or path text."""
    *parents, leaf = path.split(".")
    for parent in parents:
        message = getattr(message, _field(message, parent).name)
    field = _field(message, leaf)
    is_list = field.is_repeated
    if field.type == FieldDescriptor.TYPE_BOOL:
        json_format.ParseDict({leaf: texts[-1] == "true"}, message)
    else:
        json_format.ParseDict({leaf: texts if is_list else texts[-1]}, message)


def _field(message: Any, name: str) -> FieldDescriptor:
    fields: list[FieldDescriptor] = message.DESCRIPTOR.fields
    for field in fields:
        if name in (field.name, field.json_name):
            return field
    raise ValueError(f'Unknown name "{name}": Cannot bind query parameter.')
