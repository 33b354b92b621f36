"""What the specs need, and the roles that give just that."""

import json
import re

from composed import project
from paths import ROOT

from dagfactory.catalogue.permissions import permissions
from dagfactory.composer.command import plans_for
from dagfactory.composer.formats import terraform
from dagfactory.composer.infrastructure import infrastructure
from dagfactory.composer.needs import needs
from dagfactory.emulator.permissions import permission_of

CALLS = [
    "CreateTrainingPipeline",
    "GetTrainingPipeline",
    "ListTrainingPipelines",
    "GetCustomJob",
    "UploadModel",
    "GetModel",
    "ListModels",
    "ListModelVersions",
    "MergeVersionAliases",
    "CreateEndpoint",
    "GetEndpoint",
    "ListEndpoints",
    "DeployModel",
    "GetOperation",
    "AccessSecretVersion",
    "storage.objects.get",
    "storage.objects.insert",
    "storage.objects.list",
]
"""What the emulator's log has of a run of the flagship, without what the storage library asks beside it."""


def found(folder, text):
    (folder / "environments").mkdir()
    (folder / "environments/dev.yaml").write_text(
        "environment: dev\nproject: demo-dev\nregion: us-central1\nbucket: gs://demo-dev\n"
        "composer: ml\nservice_account: jobs@demo-dev.iam.gserviceaccount.com\n"
    )
    (folder / "p.yaml").write_text(text)
    plans, environment = plans_for([folder / "p.yaml"], "dev")
    return infrastructure(plans, environment)


def test_the_role_is_what_the_flagship_calls_and_what_a_first_run_does_not():
    plans, environment = plans_for([ROOT / "specs/arr_coc.yaml"], "local")
    role = permissions(needs(plans, environment).kinds)
    called = {permission_of(call) for call in CALLS} - {None}
    assert {each.name for each in role if each.when in ("each", "first")} == called
    assert {each.name for each in role if each.when not in ("each", "first")} == {
        "aiplatform.trainingPipelines.cancel",
        "aiplatform.endpoints.undeploy",
        "aiplatform.endpoints.update",
        "storage.objects.delete",
        "storage.objects.update",
    }


SPEC = """
pipeline: p
defaults: {machine: {type: n1-standard-4}}
alerts:
  on_failure: [{slack: {connection: slack_ml}}]
tasks:
  load:
    type: bigquery
    query: SELECT {{ var.value.limit }} FROM d.t
  copy: {type: gcs_copy, source: "gs://other-bucket/a", destination: "${run.dir}/b", after: [load]}
  odd: {type: operator, operator: airflow.providers.http.operators.http.HttpOperator, args: {endpoint: x}}
"""


def test_a_pipeline_without_jobs_gets_no_permission_of_vertex(tmp_path):
    made = found(tmp_path, SPEC)
    assert made.needs.connections == ("slack_ml",)
    assert made.needs.variables == ("limit",)
    assert made.needs.buckets == ("demo-dev", "other-bucket")
    assert made.needs.unknown == ("p.odd",)
    names = [name for role in made.roles for name in role.permissions]
    assert not any(name.startswith("aiplatform") for name in names)
    assert "bigquery.jobs.create" in names


def test_jobs_may_read_their_secrets_and_nothing_else_of_secrets(tmp_path):
    made = infrastructure(*plans_for([project(tmp_path)], "prod"))
    secrets = [(each.name, each.project, each.who) for each in made.grants if each.on == "secret"]
    assert secrets == [
        ("wandb-api-key", "arr-coc-prod", "jobs"),
        ("hf-token", "shared-secrets", "jobs"),
    ]
    assert [each for each in made.grants if each.on == "project" and each.who == "jobs"] == []


def test_jobs_read_the_bucket_of_dags_and_cannot_write_code_there(tmp_path):
    made = infrastructure(*plans_for([project(tmp_path)], "prod"))
    held = {
        each.name: each.role for each in made.grants if (each.on, each.who) == ("bucket", "jobs")
    }
    assert held == {
        "arr-coc-prod-ml": "dagfactory_prod_bucket",
        "arr-coc-prod-composer": "roles/storage.objectViewer",
    }


def test_ids_are_those_that_google_takes(tmp_path):
    made = infrastructure(*plans_for([project(tmp_path)], "prod"))
    for role in made.roles:
        assert re.fullmatch(r"[a-z0-9_.]{3,64}", role.id)
    for account in made.accounts:
        assert re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", account.id)


def test_a_backend_of_ones_own_is_left_alone(tmp_path):
    own = "composer: {name: ml, overrides: {secrets-backend: my.Backend}}\n"
    made = infrastructure(*plans_for([project(tmp_path, own)], "prod"))
    assert made.overrides == {"secrets-backend": "my.Backend"}


def test_secrets_of_one_name_in_two_projects_are_two_grants(tmp_path):
    job = "{type: train, image: 'a/b:1', machine: {type: n1-standard-4}, secrets: {S: %s}}"
    tasks = "".join(
        f"  {name}: {job % secret}\n"
        for name, secret in (("a", "token"), ("b", "projects/other/secrets/token"))
    )
    made = json.loads(terraform.text(found(tmp_path, f"pipeline: p\ntasks:\n{tasks}")))
    grants = made["resource"]["google_secret_manager_secret_iam_member"]
    assert {each["project"] for each in grants.values()} == {"demo-dev", "other"}
