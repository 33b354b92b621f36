"""A shell script of gcloud commands that make the environment, each of which can be run again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagfactory.composer.infrastructure import Grant, Infrastructure

FILE = "environment.sh"

_HEAD = """\
#!/bin/sh
# Makes a Composer environment with what its pipelines need; what is there already stays.
set -eu
"""

_DELIMITERS = ",;|:#~@^"
"""What separates the entries of a list: the first that none of them holds (`gcloud topic escaping`)."""

_FLAGS = {"min_count": "--min-workers", "max_count": "--max-workers"}
"""The flags of workloads that are not called after their part and field."""


def text(infrastructure: Infrastructure) -> str:
    """Return the script."""
    parts = (
        _accounts(infrastructure),
        _roles(infrastructure),
        (_grant(infrastructure, each) for each in infrastructure.grants),
        _environment(infrastructure),
        _policies(infrastructure),
    )
    return "\n".join([_HEAD, *(line for part in parts for line in part)]) + "\n"


def _command(*words: str, **flags: str | None) -> str:
    given = [f"--{key.replace('_', '-')}={value}" for key, value in flags.items() if value]
    return shlex.join(["gcloud", *words, *given])


def _unless(there: str, command: str) -> str:
    """Run a command unless another one succeeds."""
    return f"{there} >/dev/null 2>&1 || {command}"


def _accounts(all_of_it: Infrastructure) -> Iterator[str]:
    project = all_of_it.environment.project
    for account in all_of_it.accounts:
        if account.is_made:
            there = _command("iam", "service-accounts", "describe", account.email, project=project)
            made = _command(
                *("iam", "service-accounts", "create", account.id),
                project=project,
                display_name=account.who,
            )
            yield _unless(there, made)


def _roles(all_of_it: Infrastructure) -> Iterator[str]:
    for role in all_of_it.roles:
        fields = {
            "project": all_of_it.environment.project,
            "title": role.title,
            "permissions": ",".join(role.permissions),
        }
        made = _command("iam", "roles", "create", role.id, **fields)
        # quiet: an update asks before it changes the permissions
        yield _unless(made, _command("iam", "roles", "update", role.id, "--quiet", **fields))


def _grant(all_of_it: Infrastructure, grant: Grant) -> str:
    words, flags = {
        "project": (("projects",), {}),
        "bucket": (("storage", "buckets"), {}),
        "secret": (("secrets",), {"project": grant.project}),
        "account": (("iam", "service-accounts"), {"project": grant.project}),
    }[grant.on]
    name = f"gs://{grant.name}" if grant.on == "bucket" else grant.name
    role = grant.role
    if not role.startswith("roles/"):
        role = f"projects/{all_of_it.environment.project}/roles/{role}"
    member = f"serviceAccount:{all_of_it.email(grant.who)}"
    # without a condition gcloud asks for one where others have one
    condition = "None" if grant.on == "project" else None
    verb = "add-iam-policy-binding"
    return _command(*words, verb, name, **flags, member=member, role=role, condition=condition)


def _environment(all_of_it: Infrastructure) -> Iterator[str]:
    environment, composer = all_of_it.environment, all_of_it.composer
    place = {"project": environment.project, "location": environment.region}
    there = _command("composer", "environments", "describe", composer.name, **place)
    made = _command(
        *("composer", "environments", "create", composer.name),
        **place,
        image_version=composer.image,
        environment_size=composer.size,
        service_account=all_of_it.email("airflow"),
        labels=_pairs(environment.labels),
        airflow_configs=_pairs(all_of_it.overrides),
        env_variables=_pairs(composer.env),
        storage_bucket=all_of_it.dags_bucket,
    )
    workloads = shlex.join(_workloads(all_of_it))
    yield _unless(there, f"{made} {workloads}".rstrip())
    for package, version in sorted(composer.packages.items()):
        yield _command(
            *("composer", "environments", "update", composer.name),
            **place,
            update_pypi_package=f"{package}{version}",
        )


def _workloads(all_of_it: Infrastructure) -> Iterator[str]:
    given = all_of_it.composer.workloads
    for part, fields in given.model_dump(exclude_none=True).items() if given else ():
        for field, value in fields.items():
            own = f"--{part}-{field.removesuffix('_gb')}".replace("_", "-")
            unit = "GB" if field.endswith("_gb") else ""
            yield f"{_FLAGS.get(field, own)}={value:g}{unit}"


def _policies(all_of_it: Infrastructure) -> Iterator[str]:
    project = all_of_it.environment.project
    for pipeline, policy in all_of_it.policies.items():
        there = _command(
            *("alpha", "monitoring", "policies", "list"),
            project=project,
            filter=f'userLabels.dagfactory="{pipeline}"',
            format="value(name)",
        )
        content = json.dumps(policy, sort_keys=True, ensure_ascii=False)
        made = _command(
            "alpha", "monitoring", "policies", "create", project=project, policy=content
        )
        channels = []
        yield f'if [ -z "$({there})" ]; then'
        for number, address in enumerate(all_of_it.channels.get(pipeline, ())):
            yield f"  CHANNEL_{number}=$({_channel(project, address)})"
            channels.append(f'"$CHANNEL_{number}"')
        yield "  " + made + (f" --notification-channels={','.join(channels)}" if channels else "")
        yield "fi"


def _channel(project: str, address: str) -> str:
    return _command(
        *("beta", "monitoring", "channels", "create"),
        project=project,
        type="email",
        display_name=address,
        channel_labels=f"email_address={address}",
        format="value(name)",
    )


def _pairs(values: Mapping[str, str]) -> str | None:
    """Return a mapping as one argument, with a separator that no value holds."""
    entries = [f"{key}={value}" for key, value in sorted(values.items())]
    return _joined(entries) if entries else None


def _joined(entries: Iterable[str]) -> str:
    every = list(entries)
    if not any("," in each for each in every):
        return ",".join(every)
    free = next(each for each in _DELIMITERS if not any(each in entry for entry in every))
    return f"^{free}^{free.join(every)}"
