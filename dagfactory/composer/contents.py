"""What Airflow holds for the DAGs: pools, variables and connections as declared, and as they are there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from dagfactory.compiler.bundle.pools import pools
from dagfactory.rest.errors import AnswerError

if TYPE_CHECKING:
    from dagfactory.composer.airflow_client import AirflowClient
    from dagfactory.language.airflow import Connection
    from dagfactory.language.environment import EnvironmentFile

MASK = "***"
"""What Airflow shows in the place of what it takes for a secret."""


class Kind(NamedTuple):
    """A kind of thing: its path in the API, and the field that is its key."""

    path: str
    key: str
    noun: str


KINDS = (
    Kind("pools", "name", "pool"),
    Kind("variables", "key", "variable"),
    Kind("connections", "connection_id", "connection"),
)


@dataclass(frozen=True, slots=True)
class Difference:
    """Something declared that is not there (`found` is None) or differs, with the fields that do."""

    kind: Kind
    key: str
    wanted: dict[str, Any]
    found: dict[str, Any] | None

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the names of the fields that differ."""
        if self.found is None:
            return ()
        return tuple(
            name for name, value in self.wanted.items() if not _same(value, self.found.get(name))
        )

    @property
    def text(self) -> str:
        """Return one line for people."""
        if self.found is None:
            return f"+ {self.kind.noun} {self.key}"
        return f"~ {self.kind.noun} {self.key}: {', '.join(self.fields)}"


def declared(environment: EnvironmentFile) -> dict[Kind, dict[str, dict[str, Any]]]:
    """Return what an environment's file declares, by kind and key, with Airflow's names of fields."""
    airflow = environment.airflow
    variables = airflow.variables if airflow else {}
    connections = airflow.connections if airflow else {}
    values: tuple[dict[str, dict[str, Any]], ...] = (
        pools(environment),
        {key: {"value": _text(value)} for key, value in variables.items()},
        {key: _connection(each) for key, each in connections.items()},
    )
    return {kind: dict(sorted(each.items())) for kind, each in zip(KINDS, values, strict=True)}


def differences(client: AirflowClient, environment: EnvironmentFile) -> list[Difference]:
    """Return what is declared and not there as declared. Raises AnswerError."""
    found = (
        Difference(kind, key, wanted, _held(client, kind, key))
        for kind, every in declared(environment).items()
        for key, wanted in every.items()
    )
    return [each for each in found if each.found is None or each.fields]


def _held(client: AirflowClient, kind: Kind, key: str) -> dict[str, Any] | None:
    """Return what Airflow has under a key, None for nothing."""
    found = client.find(kind.path, key)
    if found is not None and not isinstance(found, dict):
        raise AnswerError(0, f"{client.url} answered something that is not a {kind.noun}")
    return found


def apply(client: AirflowClient, changes: Iterable[Difference]) -> None:
    """Bring what differs to what is declared; nothing else is touched. Raises AnswerError."""
    every = list(changes)
    for kind in KINDS:
        chosen = [each for each in every if each.kind == kind]
        if chosen and client.version == "v2":
            _in_bulk(client, kind, chosen)
        for each in chosen if client.version == "v1" else ():
            body = {kind.key: each.key, **each.wanted}
            if each.found is None:
                client.write("POST", kind.path, body=body)
            else:
                client.write("PATCH", kind.path, each.key, body=body)


def _in_bulk(client: AirflowClient, kind: Kind, changes: list[Difference]) -> None:
    entities = [{kind.key: each.key, **each.wanted} for each in changes]
    action = {"action": "create", "entities": entities, "action_on_existence": "overwrite"}
    answer = client.write("PATCH", kind.path, body={"actions": [action]})
    # the answer is 200 also where Airflow refused an entity
    problems = (answer.get("create") or {}).get("errors") if isinstance(answer, dict) else None
    if problems:
        raise AnswerError(
            0, f"Airflow refused {kind.path}: {problems[0].get('error', problems[0])}"
        )


def _connection(given: Connection) -> dict[str, Any]:
    return {
        "conn_type": given.type,
        "description": given.description,
        "host": given.host,
        "login": given.login,
        "schema": given.schema_,
        "port": given.port,
        "extra": json.dumps(given.extra, sort_keys=True) if given.extra else None,
    }


def _text(value: Any) -> str:
    """Return a variable's value as Airflow keeps it: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _same(wanted: Any, found: Any) -> bool:
    """Compare a declared value with what Airflow shows, in which an empty text is as good as none."""
    if wanted in (None, "", "{}"):
        return found in (None, "", "{}")
    return _agree(_read(wanted), _read(found))


def _read(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _agree(wanted: Any, found: Any) -> bool:
    """Compare nested values; what Airflow hides is taken to be right."""
    if found == MASK:
        return True
    if isinstance(wanted, dict) and isinstance(found, dict):
        return wanted.keys() == found.keys() and all(
            _agree(wanted[key], found[key]) for key in wanted
        )
    return bool(wanted == found) and isinstance(wanted, bool) == isinstance(found, bool)
