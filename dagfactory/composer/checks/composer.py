"""Whether the Composer environment is what the file says: image, size, packages, variables, options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dagfactory.composer.checks import Line
from dagfactory.composer.infrastructure import Infrastructure, infrastructure
from dagfactory.rest.errors import AnswerError

if TYPE_CHECKING:
    from dagfactory.composer.checks import Patient

_URL = "https://composer.googleapis.com/v1/projects/{}/locations/{}/environments/{}"
_CAMEL = {
    "memory_gb": "memoryGb",
    "storage_gb": "storageGb",
    "min_count": "minCount",
    "max_count": "maxCount",
    "dag_processor": "dagProcessor",
    "web_server": "webServer",
}


def check(patient: Patient) -> Iterator[Line]:
    """Compare each key that the file has; what it leaves open is not looked at."""
    environment = patient.environment
    if environment.composer is None:
        return
    wanted = infrastructure(patient.plans, environment)
    place = (environment.project, environment.region, environment.composer.name)
    try:
        found = patient.google.get(_URL.format(*place))
    except AnswerError as error:
        if not error.is_missing:
            raise
        fix = f"dagfactory composer --env {environment.environment}, then terraform apply"
        yield Line(f"Composer environment {place[2]} is not there", fix)
        return
    if found["state"] == "RUNNING":
        yield Line(f"Composer environment {place[2]} is running")
    else:
        yield Line(f"Composer environment {place[2]} is {found['state']}", "wait, or look into it")
    yield from _compared(wanted, found["config"])


def _compared(wanted: Infrastructure, config: Mapping[str, Any]) -> Iterator[Line]:
    composer, software = wanted.composer, config.get("softwareConfig", {})
    size = composer.size and f"ENVIRONMENT_SIZE_{composer.size.upper()}"
    yield from _one("size", size, config.get("environmentSize"))
    yield from _one("image", composer.image, software.get("imageVersion"))
    yield from _all("package ", composer.packages, software.get("pypiPackages", {}))
    yield from _all("variable ", composer.env, software.get("envVariables", {}))
    options = software.get("airflowConfigOverrides", {})
    own = {key: wanted.overrides[key] for key in composer.overrides}
    yield from _all("option ", own, options)
    sizes = composer.workloads.model_dump(exclude_none=True) if composer.workloads else {}
    there = config.get("workloadsConfig", {})
    for part, fields in sizes.items():
        given = {_CAMEL.get(name, name): value for name, value in fields.items()}
        yield from _all(f"{part}.", given, there.get(_CAMEL.get(part, part), {}))


def _all(prefix: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Line]:
    for key, value in wanted.items():
        yield from _one(f"{prefix}{key}", value, found.get(key))


def _one(what: str, wanted: Any, found: Any) -> Iterator[Line]:
    """Compare a value, which an absent key of the file leaves open."""
    if wanted is None:
        return
    if wanted == found:
        yield Line(f"{what} of Composer is {wanted!r}")
    else:
        fix = "update the environment (terraform apply), or the file"
        is_there = "is not set" if found is None else f"is {found!r}"
        yield Line(f"{what} of Composer {is_there}, the file says {wanted!r}", fix)
