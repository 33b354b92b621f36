"""What `run` executes is what `render` writes, byte for byte."""

from __future__ import annotations

import sys
from pathlib import Path

import processes
import pytest
from paths import ROOT

from dagfactory.run.airflow_api import AirflowApiError
from dagfactory.run.events import RunError
from dagfactory.run.pools import declare_pools
from dagfactory.run.prepare import prepare


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_emulator_gets_the_project_and_the_fixtures_of_the_specs(tmp_path: Path) -> None:
    prepared = prepare(
        ROOT / "specs/examples/basic_chain.yaml", environment="local", into=tmp_path / "dags"
    )
    project = ("--project", "arr-coc-local", "--bucket=arr-coc-local-ml=us-central1")
    assert prepared.emulator == (*project, "--fixtures", str(ROOT / "specs/fixtures"))


def test_the_emulator_gets_the_buckets_and_the_machines_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments/local.yaml").write_text(
        "environment: local\nproject: demo-dev\nregion: us-east4\nbucket: gs://demo-dev\n"
        "machines: [z9-huge-8]\n"
    )
    (tmp_path / "spec.yaml").write_text(
        "pipeline: p\ntasks:\n"
        "  copy: {type: gcs_copy, source: gs://partner/a, destination: '${run.dir}/a'}\n"
    )
    into = tmp_path / "dags"
    given = prepare(tmp_path / "spec.yaml", environment="local", into=into).emulator
    assert given[2:] == ("--bucket=demo-dev=us-east4", "--machine=z9-huge-8", "--bucket=partner")
    assert prepare(into, environment="local", into=into).emulator == (
        "--bucket=demo-dev",
        "--bucket=partner",
    )


def test_run_and_render_make_the_same_bytes(tmp_path: Path) -> None:
    out = tmp_path / "rendered"
    command = [sys.executable, "-m", "dagfactory", "render", "specs/arr_coc.yaml", "--env", "local"]
    processes.run([*command, "--out", str(out)], cwd=ROOT, check=True, capture_output=True)
    prepared = prepare(ROOT / "specs/arr_coc.yaml", environment="local", into=tmp_path / "dags")
    assert prepared.dag_id == "arr_coc"
    assert files(tmp_path / "dags/ml_pipelines") == files(out)
    assert len(files(out)) > 10


def test_a_secret_is_named_to_the_emulator_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        "pipeline: p\ntasks:\n"
        "  fit: {type: train, image: 'i:1', machine: {type: n1-standard-4},\n"
        "    secrets: {WANDB_API_KEY: wandb, HF_TOKEN: projects/x/secrets/hf/versions/2}}\n"
        "  idle: {type: empty}\n"
    )
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments/local.yaml").write_text(
        "environment: local\nproject: demo-dev\nregion: us-central1\nbucket: gs://demo-dev\n"
    )
    monkeypatch.setenv("WANDB_API_KEY", "the-value")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    given = prepare(spec, environment="local", into=tmp_path / "dags").emulator
    assert given[:4] == ("--secret-from", "wandb=WANDB_API_KEY", "--secret", "hf=local-hf")
    assert "the-value" not in " ".join(given)


class Pools:
    """Airflow's pools as its REST API would keep them."""

    def __init__(self, *, refuse: bool = False) -> None:
        self.kept: dict[str, object] = {}
        self.refuse = refuse

    def find(self, _: str, name: str) -> object:
        return self.kept.get(name)

    def post(self, _: str, body: dict[str, object]) -> None:
        if self.refuse:
            raise AirflowApiError(400, "slots must be positive")
        self.kept[str(body["name"])] = {"made": body["slots"]}

    def patch(self, _: str, name: str, body: dict[str, object]) -> None:
        self.kept[name] = {"changed": body["slots"]}


def test_pools_are_made_and_then_changed(tmp_path: Path) -> None:
    (tmp_path / "ml").mkdir()
    (tmp_path / "ml/pools.json").write_text('{"gpu": {"slots": 2}, "a b": {"slots": 3}}')
    pools = Pools()
    declare_pools(pools, tmp_path)
    assert pools.kept == {"gpu": {"made": 2}, "a b": {"made": 3}}
    declare_pools(pools, tmp_path)
    assert pools.kept == {"gpu": {"changed": 2}, "a b": {"changed": 3}}
    with pytest.raises(RunError, match="refused the pool gpu: slots must be positive"):
        declare_pools(Pools(refuse=True), tmp_path)


def test_packages_of_a_bundle_go_where_its_jobs_look_for_them(tmp_path: Path) -> None:
    (tmp_path / "specs/environments").mkdir(parents=True)
    (tmp_path / "train.py").write_text("print('trained')\n")
    (tmp_path / "specs/environments/local.yaml").write_text(
        "environment: local\nproject: demo-dev\nregion: us-central1\nbucket: gs://demo-dev\n"
        "dags: gs://demo-composer/dags/team\n"
    )
    spec = tmp_path / "specs/own.yaml"
    task = "{type: train, script: train.py, image: 'x:1', machine: {type: n1-standard-4}}"
    spec.write_text(f"pipeline: own\ntasks:\n  fit: {task}\n")
    into = tmp_path / "dags"
    given = prepare(spec, environment="local", into=into).emulator
    (wheel,) = (into / "team").glob("dagfactory_package_*/*.whl")
    address = f"gs://demo-composer/dags/{wheel.relative_to(into).as_posix()}"
    assert given[-1] == f"--object={address}={wheel}"
    assert address in (into / "team/own.py").read_text()
    again = prepare(into / "team", environment="local", into=into).emulator
    assert again == ("--bucket=demo-composer", "--bucket=demo-dev", given[-1])
