"""/gcs in a job: Cloud Storage, as on Vertex AI, and nothing on this machine."""

from __future__ import annotations

import os
from pathlib import Path

import processes
import pytest

from dagfactory.emulator.jobs import mount

WRITES = (
    "import os, pathlib\n"
    "folder = pathlib.Path(os.environ['AIP_MODEL_DIR'].replace('gs://', '/gcs/'))\n"
    "folder.mkdir(parents=True)\n"
    "(folder / 'metrics.json').write_text('{\"accuracy\": 0.8}')\n"
)


@pytest.fixture
def storage(tmp_path):  # hides the client of the same name, which nothing here needs
    folder = tmp_path / "gcs"
    (folder / "bucket").mkdir(parents=True)
    if not mount.is_possible(folder):
        pytest.skip("this system allows no mount namespace")
    return folder


def mounted(storage: Path, script: str, **options: object):
    return processes.run(mount.wrapped(["python3", "-c", script], storage), **options)


def test_vertex_own_idiom_reaches_the_bucket_and_leaves_nothing_behind(storage):
    environment = {**os.environ, "AIP_MODEL_DIR": "gs://bucket/run/model/"}
    before = set(Path("/").iterdir())
    assert mounted(storage, WRITES, env=environment).returncode == 0
    assert (storage / "bucket/run/model/metrics.json").read_text() == '{"accuracy": 0.8}'
    assert set(Path("/").iterdir()) == before


def test_everything_else_is_as_it_was(storage, tmp_path):
    (tmp_path / "here").mkdir()
    script = "import os; print(os.getcwd(), os.getuid(), sorted(os.listdir('/')))"
    done = mounted(storage, script, cwd=tmp_path / "here", capture_output=True, text=True)
    names = sorted({*os.listdir("/"), "gcs"})  # noqa: PTH208 - as the program lists them
    assert done.stdout == f"{tmp_path / 'here'} {os.getuid()} {names}\n"


def test_the_exit_status_and_the_signals_are_the_programs(storage):
    assert mounted(storage, "raise SystemExit(7)").returncode == 7
    done = processes.run(
        mount.wrapped(["no-such-program"], storage), capture_output=True, text=True
    )
    assert (done.returncode, "no-such-program" in done.stderr) == (127, True)


def test_a_job_writes_where_vertex_mounts_its_buckets(create, reach, emulator, storage):
    place = Path(emulator.env["GCSFUSE_ROOT"], "demo-ml/runs/x/model")
    done = reach(create(WRITES.replace("parents=True", "parents=True, exist_ok=True")))
    assert done["state"] == "PIPELINE_STATE_SUCCEEDED", done
    assert (place / "metrics.json").read_text() == '{"accuracy": 0.8}'
    assert not Path("/gcs").exists()
