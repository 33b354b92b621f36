"""Terraform's JSON syntax: no text is quoted by hand, and none is read as an expression."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dagfactory.composer.infrastructure import Grant, Infrastructure
    from dagfactory.language.composer import Composer

FILE = "main.tf.json"

_PROVIDER = {"google": {"source": "hashicorp/google", "version": ">= 7.0"}}


class _Expression(str):
    """A text that Terraform evaluates; every other one is taken as it is."""

    __slots__ = ()


def text(infrastructure: Infrastructure) -> str:
    """Return one file with every resource of the environment."""
    environment = infrastructure.environment
    resources: dict[str, dict[str, Any]] = {}
    for kind, name, fields in _resources(infrastructure):
        resources.setdefault(kind, {})[name] = _literal(fields)
    whole = {
        "terraform": {"required_providers": _PROVIDER},
        "provider": {"google": {"project": environment.project, "region": environment.region}},
        "resource": resources,
    }
    return json.dumps(whole, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _resources(all_of_it: Infrastructure) -> Iterator[tuple[str, str, dict[str, Any]]]:
    project = all_of_it.environment.project
    for account in all_of_it.accounts:
        if account.is_made:
            fields = {"account_id": account.id, "project": project, "display_name": account.who}
            yield "google_service_account", account.who, fields
    for role in all_of_it.roles:
        fields = {"role_id": role.id, "title": role.title, "permissions": list(role.permissions)}
        yield "google_project_iam_custom_role", role.id, fields | {"project": project}
    for grant in all_of_it.grants:
        yield _grant(all_of_it, grant)
    yield "google_composer_environment", "environment", _environment(all_of_it)
    for pipeline, policy in all_of_it.policies.items():
        addresses = all_of_it.channels.get(pipeline, ())
        yield from ((_CHANNEL, _name(to), _channel(project, to)) for to in addresses)
        channels = [_Expression(f"${{{_CHANNEL}.{_name(to)}.name}}") for to in addresses]
        made = _snake(policy) | ({"notification_channels": channels} if channels else {})
        yield "google_monitoring_alert_policy", pipeline, made | {"project": project}


_CHANNEL = "google_monitoring_notification_channel"


def _channel(project: str, address: str) -> dict[str, Any]:
    labels = {"email_address": address}
    return {"display_name": address, "type": "email", "labels": labels, "project": project}


def _grant(all_of_it: Infrastructure, grant: Grant) -> tuple[str, str, dict[str, Any]]:
    """Return a grant as the resource of what it is on."""
    made = {each.who for each in all_of_it.accounts if each.is_made}
    member = f"serviceAccount:{all_of_it.email(grant.who)}"
    if grant.who in made:
        member = _Expression(f"${{google_service_account.{grant.who}.member}}")
    # an account is named by its resource, so that Terraform makes it first
    account = _Expression("${google_service_account.jobs.name}") if "jobs" in made else grant.name
    kind, on = {
        "project": ("google_project_iam_member", {"project": grant.project}),
        "bucket": ("google_storage_bucket_iam_member", {"bucket": grant.name}),
        "secret": (
            "google_secret_manager_secret_iam_member",
            {"project": grant.project, "secret_id": grant.name},
        ),
        "account": (
            "google_service_account_iam_member",
            {"service_account_id": account if "jobs" in made else _account(grant)},
        ),
    }[grant.on]
    fields = {**on, "role": _role(grant.role), "member": member}
    return kind, _name(f"{grant.who}_{grant.role.rpartition('/')[2]}_{grant.name}"), fields


def _account(grant: Grant) -> str:
    # the project of an account is the first part of its domain
    domain = grant.name.partition("@")[2]
    return f"projects/{domain.partition('.')[0]}/serviceAccounts/{grant.name}"


def _role(role: str) -> str:
    if role.startswith("roles/"):
        return role
    return _Expression(f"${{google_project_iam_custom_role.{role}.name}}")


def _environment(all_of_it: Infrastructure) -> dict[str, Any]:
    composer, environment = all_of_it.composer, all_of_it.environment
    config = {
        "environment_size": composer.size and f"ENVIRONMENT_SIZE_{composer.size.upper()}",
        "node_config": {"service_account": _Expression("${google_service_account.airflow.email}")},
        "software_config": _given(
            {
                "image_version": composer.image,
                "airflow_config_overrides": all_of_it.overrides,
                "env_variables": dict(composer.env),
                "pypi_packages": dict(composer.packages),
            }
        ),
        "workloads_config": _workloads(composer),
    }
    worker = _name(f"airflow_composer.worker_{environment.project}")
    return _given(
        {
            "name": composer.name,
            "project": environment.project,
            "region": environment.region,
            "labels": dict(environment.labels),
            "config": _given(config),
            "storage_config": _given({"bucket": all_of_it.dags_bucket}),
            # Composer refuses an account that does not have its role yet
            "depends_on": [f"google_project_iam_member.{worker}"],
        }
    )


def _workloads(composer: Composer) -> dict[str, Any]:
    if composer.workloads is None:
        return {}
    return composer.workloads.model_dump(exclude_none=True)


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value not in (None, {}, "")}


def _name(text: str) -> str:
    """Return a text as a name of Terraform's."""
    return re.sub(r"[^A-Za-z0-9_]", "_", text)


def _snake(value: Any) -> Any:
    """Return the JSON of an API with Terraform's names of its fields."""
    if isinstance(value, list):
        return [_snake(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower(): each
        if key == "userLabels"
        else _snake(each)
        for key, each in value.items()
    }


def _literal(value: Any) -> Any:
    """Return a value whose texts Terraform takes as they are; expressions stay."""
    match value:
        case _Expression():
            return str(value)
        case str():
            return value.replace("${", "$${").replace("%{", "%%{")
        case dict():
            return {key: _literal(each) for key, each in value.items()}
        case list():
            return [_literal(each) for each in value]
    return value
