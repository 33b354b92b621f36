"""The provider's own hook and trigger, in a process of their own (Airflow is configured once)."""

import json
import subprocess
import sys

import processes
import pytest

pytestmark = pytest.mark.airflow

HOOK = """
import json, sys
from airflow.providers.google.cloud.hooks.gcs import GCSHook
bucket, folder = sys.argv[1:]
hook = GCSHook()
hook.upload(bucket, "dags/a.py", data=b"print(1)", metadata={"k": "v"})
hook.upload(bucket, "dags/b.py", filename=__file__)
hook.copy(bucket, "dags/a.py", bucket, "dags/c.py")
hook.rewrite(bucket, "dags/a.py", bucket, "dags/d.py")
hook.delete(bucket, "dags/c.py")
hook.sync_to_local_dir(bucket, folder, "dags/")
print(json.dumps({
    "list": hook.list(bucket, prefix="dags/"), "glob": hook.list(bucket, match_glob="**/[ab].py"),
    "text": hook.download(bucket, "dags/d.py").decode(), "exists": hook.exists(bucket, "dags/c.py"),
    "size": hook.get_size(bucket, "dags/a.py"), "metadata": hook.get_metadata(bucket, "dags/a.py"),
}))
"""
TRIGGER = """
import asyncio, json, sys
from airflow.providers.google.cloud.triggers.vertex_ai import CustomContainerTrainingJobTrigger
name = sys.argv[1]
trigger = CustomContainerTrainingJobTrigger(
    conn_id="google_cloud_default", project_id="demo", location="us-central1",
    job_id=name.split("/")[-1], poll_interval=1)
async def first():
    async for event in trigger.run():
        return event.payload
print(json.dumps(asyncio.run(first())))
"""


def run(emulator, tmp_path, code, *arguments):
    (tmp_path / "script.py").write_text(code)
    env = emulator.environ() | {"AIRFLOW_HOME": str(tmp_path / "home"), "PYTHONWARNINGS": "ignore"}
    shown = processes.run(
        [sys.executable, tmp_path / "script.py", *arguments],
        env=env,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(shown.stdout.splitlines()[-1])


def test_the_gcs_hook(emulator, bucket, tmp_path):
    folder = tmp_path / "synced"
    seen = run(emulator, tmp_path, HOOK, bucket.name, str(folder))
    assert seen == {
        "list": ["dags/a.py", "dags/b.py", "dags/d.py"],
        "glob": ["dags/a.py", "dags/b.py"],
        "text": "print(1)",
        "exists": False,
        "size": 8,
        "metadata": {"k": "v"},
    }
    assert (folder / "a.py").read_text() == "print(1)"


@pytest.mark.parametrize(("code", "status"), [("pass", "success"), ("exit(3)", "error")])
def test_the_trigger(emulator, tmp_path, create, code, status):
    made = create(f"import time; time.sleep(1); {code}")
    event = run(emulator, tmp_path, TRIGGER, made["name"])
    assert event["status"] == status
    assert event["job"]["name"] == made["name"]
