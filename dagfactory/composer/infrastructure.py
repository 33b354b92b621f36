"""The environment as data: accounts, roles, grants and policies, from which each format is made."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from dagfactory.catalogue.permissions import permissions
from dagfactory.compiler.bundle.monitoring import policy
from dagfactory.composer.needs import Needs, needs
from dagfactory.diagnostics.diagnostic import DagfactoryError

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.language.composer import Composer
    from dagfactory.language.environment import EnvironmentFile

Who = Literal["airflow", "jobs"]

WORKER = "roles/composer.worker"
"""What Composer itself demands of the account of its workers."""

READER = "roles/storage.objectViewer"
"""What jobs may do in the bucket of the DAGs."""

_BACKEND = "airflow.providers.google.cloud.secrets.secret_manager.CloudSecretManagerBackend"
_LONGEST_ID = 30  # characters of an account's id


class Account(NamedTuple):
    """A service account; one of another project is not made here."""

    who: Who
    email: str
    is_made: bool

    @property
    def id(self) -> str:
        """Return what stands before the `@`."""
        return self.email.partition("@")[0]


class Role(NamedTuple):
    """A custom role of the project."""

    id: str
    title: str
    permissions: tuple[str, ...]


class Grant(NamedTuple):
    """A role for an account on something: a project, bucket, secret or account by its name."""

    on: Literal["project", "bucket", "secret", "account"]
    name: str
    project: str
    role: str
    who: Who


@dataclass(frozen=True, slots=True)
class Infrastructure:
    """All of an environment, in the order of its parts."""

    environment: EnvironmentFile
    composer: Composer
    accounts: tuple[Account, ...]
    roles: tuple[Role, ...]
    grants: tuple[Grant, ...]
    policies: dict[str, dict[str, Any]]
    channels: dict[str, tuple[str, ...]]
    """Addresses that a policy without channels is to write to, by pipeline."""
    needs: Needs

    def email(self, who: Who) -> str:
        """Return the address of an account."""
        return next(each.email for each in self.accounts if each.who == who)

    @property
    def dags_bucket(self) -> str | None:
        """Return the name of the bucket of DAGs, if they lie in one."""
        return dags_bucket(self.environment)

    @property
    def overrides(self) -> dict[str, str]:
        """Return options of Airflow as texts, with Secret Manager as the backend of secrets."""
        own = {key: str(value) for key, value in self.composer.overrides.items()}
        backend = {
            "secrets-backend": _BACKEND,
            "secrets-backend_kwargs": f'{{"project_id": "{self.environment.project}"}}',
        }
        return dict(sorted((own if "secrets-backend" in own else backend | own).items()))


def infrastructure(plans: Iterable[Plan], environment: EnvironmentFile) -> Infrastructure:
    """Return what plans for an environment ask for; raises DagfactoryError without a `composer:`."""
    composer = environment.composer
    if composer is None:
        name = environment.environment
        raise DagfactoryError(
            f"environment {name} has no `composer:`; write `composer: {{name: …}}`"
        )
    every = sorted(plans, key=lambda plan: plan.pipeline.pipeline)
    wanted = needs(every, environment)
    policies = {plan.pipeline.pipeline: made for plan in every if (made := policy(plan))}
    return Infrastructure(
        environment,
        composer,
        _accounts(environment, composer),
        _roles(environment, wanted),
        _grants(environment, wanted),
        policies,
        {plan.pipeline.pipeline: _mails(plan) for plan in every if _mails(plan)},
        wanted,
    )


def dags_bucket(environment: EnvironmentFile) -> str | None:
    """Return the name of the bucket that an environment's DAGs lie in."""
    dags = environment.dags or ""
    return dags.removeprefix("gs://").partition("/")[0] if dags.startswith("gs://") else None


def role_id(environment: EnvironmentFile, what: str) -> str:
    """Return the id of a custom role of an environment."""
    return re.sub(r"[^a-z0-9]", "_", f"dagfactory_{environment.environment}_{what}")


def _accounts(environment: EnvironmentFile, composer: Composer) -> tuple[Account, ...]:
    domain = f"@{environment.project}.iam.gserviceaccount.com"
    own = f"composer-{composer.name}"[:_LONGEST_ID].rstrip("-")
    made = (Account("airflow", own + domain, is_made=True),)
    jobs = environment.service_account
    return (*made, Account("jobs", jobs, is_made=jobs.endswith(domain))) if jobs else made


def _roles(environment: EnvironmentFile, wanted: Needs) -> tuple[Role, ...]:
    """Return a role for the project and one for buckets, with what the specs' calls need."""
    titles = {"project": "calls of DAGs", "bucket": "files of runs"}
    found = permissions(wanted.kinds)
    made = (
        Role(
            role_id(environment, where),
            f"dagfactory {environment.environment}: {title}",
            tuple(sorted({each.name for each in found if each.where == where})),
        )
        for where, title in titles.items()
    )
    return tuple(each for each in made if each.permissions)


def _grants(environment: EnvironmentFile, wanted: Needs) -> tuple[Grant, ...]:
    project, jobs = environment.project, environment.service_account
    who: tuple[Who, ...] = ("airflow", "jobs") if jobs else ("airflow",)
    bucket_role = role_id(environment, "bucket")
    made = [
        Grant("project", project, project, WORKER, "airflow"),
        Grant("project", project, project, role_id(environment, "project"), "airflow"),
    ]
    if "objects" in wanted.kinds:
        own, dags = environment.bucket.removeprefix("gs://"), dags_bucket(environment)
        made += [Grant("bucket", own, project, bucket_role, one) for one in who]
        if dags and dags != own:
            made += [Grant("bucket", dags, project, bucket_role, "airflow")]
            # jobs find their packages beside the DAGs; who can write there runs code in Airflow
            made += [Grant("bucket", dags, project, READER, "jobs")] if jobs else []
    if jobs:
        made += [Grant("account", jobs, project, "roles/iam.serviceAccountUser", "airflow")]
        access = "roles/secretmanager.secretAccessor"
        made += [Grant("secret", each.id, each.project, access, "jobs") for each in wanted.secrets]
    return tuple(made)


def _mails(plan: Plan) -> tuple[str, ...]:
    """Return whom a policy that names no channel tells: those who get mail of failures."""
    alerts = plan.pipeline.alerts
    if alerts is None or alerts.monitoring is None or alerts.monitoring.channels:
        return ()
    told = alerts.on_run_failure or alerts.on_failure or ()
    mails = [*(alerts.on_failure or ()), *told]
    return tuple(
        sorted({to for each in mails if each.email for to in each.email.to if "{" not in to})
    )
