"""Secrets of Airflow's that would stand in a job: found in each of its texts, and nowhere else."""

import json

import pytest
from templated import HEAD, PLACES, TIMED, at, findings

JOBS = {
    "an argument": "a: {type: train, module: fit, args: {x: TEXT}}",
    "a list": "a: {type: train, module: fit, args: {x: [TEXT]}}",
    "a variable": "a: {type: train, module: fit, env: {X: TEXT}}",
    "a command": "a: {type: train, command: [python, fit.py, TEXT]}",
    "a shell": "a: {type: train, command: [sh, -c, TEXT]}",
    "a pod's variable": "a: {type: kubernetes, image: 'i:1', env: {X: TEXT}}",
    "a pod's argument": "a: {type: kubernetes, image: 'i:1', args: [TEXT]}",
}
SECRET = {
    "{{ conn.wandb.password }}": "error",
    "{{ conn['wandb'].password }}": "error",
    "{{ conn.get('wandb').password }}": "error",
    "{{ conn.wandb.get_uri() }}": "error",
    "{{ conn.wandb.extra_dejson.token }}": "error",
    "{{ conn.wandb.extra_dejson['token'] }}": "error",
    "{{ conn.wandb.extra }}": "error",
    "{{ conn.wandb.password | trim }}": "error",
    "{{ conn.wandb.password or 'none' }}": "error",
    "{{ 'Bearer ' ~ conn.wandb.password }}": "error",
    "{% if ds %}{{ conn.wandb.password }}{% endif %}": "error",
    "{{ var.value.api_key }}": "warning",
    "{{ var.value['api_key'] }}": "warning",
    "{{ var.value.get('wandb_api_key', '') }}": "warning",
    "{{ var.json.wandb.token }}": "warning",
    "{{ var.value.dbPassword }}": "warning",
    "--key={{ var.value.secret }}": "warning",
}
HARMLESS = [
    "{{ conn.warehouse.host }}:{{ conn.warehouse.port }}",
    "{{ conn.warehouse.login }}",
    "{{ conn.password.host }}",
    "{{ conn.get('extra').schema }}",
    "{{ var.value.bucket }} {{ var.json.settings.epochs }}",
    "{{ var.value.get('limit', 10) }}",
    "{{ var.value.api_key_name }}",
    "{{ 1 if conn.wandb.password else 0 }}",
    "{{ conn.wandb.password | length }}",
    "{{ params.who }} {{ ds }} ${run.dir}",
    "conn.wandb.password, no template",
]


@pytest.mark.parametrize("text", SECRET)
def test_each_way_to_a_secret_is_found(tmp_path, text):
    (found,) = findings(tmp_path, JOBS["a variable"].replace("TEXT", json.dumps(text)))
    assert (found.code, found.severity) == ("DF354", SECRET[text])
    assert "secrets: {NAME: SECRET_ID}" in found.help


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_is_not(tmp_path, text):
    for form in ("an argument", "a variable"):
        assert findings(tmp_path, JOBS[form].replace("TEXT", json.dumps(text))) == []


@pytest.mark.parametrize("place", JOBS)
def test_each_text_of_a_job_shows_it(tmp_path, place):
    text = json.dumps("--key={{ conn.wandb.password }}")
    (found,) = findings(tmp_path, JOBS[place].replace("TEXT", text))
    assert found.code == "DF354"
    assert ("Kubernetes" in found.help) == place.startswith("a pod")
    assert findings(tmp_path, JOBS[place].replace("TEXT", '"--key=1"')) == []


@pytest.mark.parametrize(
    "place", [name for name in PLACES if "job" not in name and name != "a container"]
)
def test_what_runs_in_airflow_may_use_its_connections(tmp_path, place):
    text = "{{ conn.wandb.password }} {{ var.value.api_key }}"
    assert findings(tmp_path, at(place, text), HEAD + TIMED) == []
