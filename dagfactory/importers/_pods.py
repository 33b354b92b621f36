"""Compute resources of a pod: an object of the Kubernetes client there, a pod's template here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dagfactory.importers._remarks import NotDataError
from dagfactory.importers._values import data, typed_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dagfactory.importers._shared import Argument
    from dagfactory.importers._values import ImportContext

RESOURCES = "container_resources"
_REQUIREMENTS = re.compile(r"kubernetes\.client\.(?:models\.)?(?:\w+\.)?V1ResourceRequirements")
_OPERATOR = re.compile(r".*(?:Kubernetes|GKEStart)(?:Pod|Job)Operator")
_TEMPLATES = ("pod_template_dict", "pod_template_file", "full_pod_spec", "base_container_name")
_BASE = "base"
"""What the operator calls its container."""


def pod_resources(
    path: str, given: Mapping[str, Argument], context: ImportContext
) -> dict[str, Any]:
    """Return the template of a pod with the resources of its container; nothing where they are no data."""
    asked = given.get(RESOURCES)
    described = typed_object(asked.node) if asked else None
    if not (asked and described and _OPERATOR.fullmatch(path)):
        return {}
    if not _REQUIREMENTS.fullmatch(described.path) or described.positional:
        return {}
    if not set(described.keywords) <= {"requests", "limits"} or set(given) & set(_TEMPLATES):
        return {}
    try:
        resources = {key: data(each, context) for key, each in described.keywords.items()}
    except NotDataError:
        return {}
    context.add("form", f"`{RESOURCES}` is written as a pod's template", asked.key)
    container = {"name": _BASE, "resources": resources}
    pod = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [container]}}
    return {"pod_template_dict": pod}
