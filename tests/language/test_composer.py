"""`composer:` and `airflow:` of an environment file: Google's rules are findings, secrets are refused."""

import re

import pytest

from dagfactory.compiler.build import build
from dagfactory.compiler.compile import compile_spec
from dagfactory.language.environment import EnvironmentFile

HEAD = "environment: dev\nproject: demo-dev\nregion: us-central1\nbucket: gs://demo-dev\n"
SPEC = "pipeline: p\ntasks:\n  a: {type: bash, command: 'echo ${env.project}'}\n"


def found_in(folder, fields):
    """Return the findings of an environment as (code, text at the place, message, help, hidden)."""
    (folder / "environments").mkdir()
    (folder / "environments/dev.yaml").write_text(HEAD + fields)
    (folder / "p.yaml").write_text(SPEC)
    lines = (HEAD + fields).splitlines()
    return [
        (each.code, lines[each.span.line - 1][each.span.column - 1 :], each.message, each.hidden)
        for each in compile_spec(folder / "p.yaml", "dev").diagnostics
    ]


RULES = {
    "the form of an image": ("image: composer-3-airflow-x", "composer-3-airflow-x", "an image of"),
    "an image of the target's line": ("image: composer-3-airflow-2.10.5", "composer-3", "target"),
    "an image of a generation": (
        "image: composer-2.9.1-airflow-3.1.0, workloads: {dag_processor: {count: 1}}",
        "{count: 1}",
        "Composer 2",
    ),
    "variables of Composer": ("env: {GCS_BUCKET: x}", "GCS_BUCKET", "Composer sets it"),
    "variables of Airflow": ("env: {AIRFLOW__CORE__X: x}", "AIRFLOW__", "not taken"),
    "names of variables": ("env: {a-b: x}", "a-b", "name of a variable"),
    "names of packages": ("packages: {'a b': ''}", "'a b'", "name of a package"),
    "versions of packages": ("packages: {pandas: '2'}", "'2'", "PEP 508"),
    "names of options": ("overrides: {core.x: 1}", "core.x", "not an option"),
    "blocked options": ("overrides: {core-fernet_key: x}", "core-fernet", "lets you set"),
    "a blocked section": ("overrides: {cli-x: x}", "cli-x", "lets you set"),
    "limited options": (
        "overrides: {celery-worker_concurrency: 64}",
        "64",
        "not a value that Composer takes",
    ),
    "steps of CPUs": ("workloads: {worker: {cpu: 3}}", "3", "number of CPUs"),
    "steps of memory": ("workloads: {worker: {memory_gb: 2.1}}", "2.1", "not a memory"),
    "ranges": ("workloads: {scheduler: {count: 4}}", "4", "at most 3"),
    "memory for each CPU": (
        "workloads: {worker: {cpu: 1, memory_gb: 9}}",
        "9",
        "not a memory for 1 CPUs",
    ),
    "fewest and most": (
        "workloads: {worker: {min_count: 3, max_count: 2}}",
        "3",
        "fewest number",
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_of_composer_is_a_finding_at_its_place(rule, tmp_path):
    fields, at, words = RULES[rule]
    [(code, place, message, _)] = found_in(tmp_path, f"composer: {{name: ml, {fields}}}\n")
    assert code == "DF123"
    assert place.startswith(at)
    assert words in message


ALL = """
composer:
  name: ml-dev
  image: composer-3-airflow-3.1.7-build.2
  size: small
  packages: {pandas: "==2.3.1", boto3: "[crt]>=1,<2", tenacity: ""}
  env: {TEAM: ml}
  overrides: {core-max_map_length: 10000, webserver-rbac: true, celery-worker_concurrency: 12}
  workloads:
    scheduler: {cpu: 0.5, memory_gb: 2, storage_gb: 1, count: 1}
    dag_processor: {cpu: 1, memory_gb: 4, count: 1}
    triggerer: {}
    web_server: {cpu: 1, memory_gb: 2}
    worker: {cpu: 2, memory_gb: 7.5, min_count: 1, max_count: 6}
airflow:
  url: https://abc-dot-us-central1.composer.googleusercontent.com/
  variables: {threshold: "0.8", sizes: [1, 2]}
  connections:
    hook: {type: http, host: example.com, port: 443, schema: https, extra: {timeout: 20}}
"""


def test_all_keys_are_taken(tmp_path):
    assert found_in(tmp_path, ALL) == []


@pytest.mark.parametrize(
    "fields",
    [
        "variables: {api_token: hunter2hunter2}",
        "variables: {settings: {db_password: hunter2hunter2}}",
        "connections: {x: {type: http, extra: {list: [{secret: hunter2}]}}}",
        "connections: {x: {type: http, host: 'https://me:hunter2@example.com'}}",
    ],
)
def test_a_secret_is_refused_and_hidden(fields, tmp_path):
    [(code, _, message, hidden)] = found_in(tmp_path, f"airflow: {{{fields}}}\n")
    assert (code, hidden) == ("DF123", True)
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("url", "words"),
    [("airflow.example.com", "not the address"), ("http://example.com", "not an address to send")],
)
def test_a_token_goes_to_an_address_that_is_one(url, words, tmp_path):
    [(_, _, message, _)] = found_in(tmp_path, f"airflow: {{url: '{url}'}}\n")
    assert words in message


def model(**fields):
    least = {
        "environment": "dev",
        "project": "demo-dev",
        "region": "us-east1",
        "bucket": "gs://dev",
    }
    return EnvironmentFile.model_validate(least | fields)


def test_a_name_is_short_for_an_environment():
    assert model(composer="ml-dev") == model(composer={"name": "ml-dev"})
    assert model(composer="ml-dev").composer_name == "ml-dev"
    assert model().composer_name is None


def test_the_address_has_no_final_slash():
    assert model(airflow={"url": "http://localhost:8080/"}).airflow_url == "http://localhost:8080"
    assert model().airflow_url is None


def test_images_of_each_line_are_taken():
    for image in ("composer-3-airflow-3", "composer-2.13.1-airflow-2.10.5"):
        target = f"airflow{re.search('airflow-([23])', image)[1]}"
        assert model(composer={"name": "ml", "image": image}, target=target).composer.image == image


def test_neither_is_in_the_header_of_a_dag_file(tmp_path):
    texts = []
    for name, fields in (("bare", ""), ("all", ALL)):
        (tmp_path / name).mkdir()
        assert found_in(tmp_path / name, fields) == []
        built = build([tmp_path / name / "p.yaml"], "dev")
        texts.append(built.bundle.dags["p.py"])
    assert texts[0] == texts[1]
