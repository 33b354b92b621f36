"""Jobs of Python packages, for real: pip installs what lies in the bucket, its module runs."""

import io
import tarfile

import pytest

from trainer import package

DEFINITION = "gs://google-cloud-aiplatform/schema/trainingjob/definition/custom_task_1.0.0.yaml"
PARENT = "projects/demo/locations/us-central1"
SHOW = "import os, sys, who\nprint('seen', sys.argv[1:], os.environ['A'], who.__file__)\n"


def sdist(name, files):
    """A source distribution of some top-level modules."""
    modules = [each.removesuffix(".py") for each in files]
    project = (
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        f'[project]\nname = "{name}"\nversion = "1"\n[tool.setuptools]\npy-modules = {modules}\n'
    )
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for path, text in {**files, "pyproject.toml": project}.items():
            entry = tarfile.TarInfo(f"{name}-1/{path}")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


@pytest.fixture
def run(vertex, reach, bucket, emulator):
    """Run a module of packages that lie in the bucket; returns the pipeline and the job's log."""

    def run(module, packages, *arguments, **rest):
        program = {
            "executorImageUri": "us-docker.pkg.dev/vertex-ai/training/x:latest",
            "packageUris": [f"gs://{bucket.name}/{name}" for name in packages],
            "pythonModule": module,
            "args": list(arguments),
            "env": [{"name": "A", "value": "b"}],
        }
        pool = {
            "machineSpec": {"machineType": "n1-standard-4"},
            "replicaCount": "1",
            "pythonPackageSpec": program,
        }
        body = {
            "displayName": "train",
            "trainingTaskDefinition": DEFINITION,
            "trainingTaskInputs": {
                "workerPoolSpecs": [pool],
                "baseOutputDirectory": {"outputUriPrefix": f"gs://{bucket.name}/out"},
                **rest,
            },
        }
        done = reach(vertex.trainingPipelines().create(parent=PARENT, body=body).execute())
        job = done["trainingTaskMetadata"]["backingCustomJob"].rsplit("/", 1)[-1]
        return done, (emulator.state / "jobs" / job / "attempt-1.log").read_text()

    return run


def test_every_package_is_installed_and_the_module_runs(run, bucket, emulator):
    bucket.blob("show.tar.gz").upload_from_string(sdist("show", {"show.py": SHOW}))
    bucket.blob("who.tar.gz").upload_from_string(sdist("who", {"who.py": ""}))
    done, log = run("show", ["show.tar.gz", "who.tar.gz"], "--x=1")
    assert done["state"] == "PIPELINE_STATE_SUCCEEDED", log
    assert f"seen ['--x=1'] b {emulator.state}/packages/" in log
    again, _ = run("show", ["show.tar.gz", "who.tar.gz"], "--x=2")  # installed before
    assert again["state"] == "PIPELINE_STATE_SUCCEEDED"


def test_another_file_under_the_same_name_is_another_package(run, bucket):
    for text in ("print('first')", "print('second')"):
        bucket.blob("own.tar.gz").upload_from_string(sdist("own", {"own.py": text}))
        _, log = run("own", ["own.tar.gz"])
    assert log == "second\n"


def test_the_package_comes_before_the_working_directory_and_what_is_installed(run, bucket):
    """The tests run where a `trainer` lies in the working directory and in the environment."""
    text = "print('from the bucket')"
    bucket.blob("t.tar.gz").upload_from_string(sdist("trainer", {"trainer.py": text}))
    _, log = run("trainer", ["t.tar.gz"])
    assert log == "from the bucket\n"


def test_the_trainer_trains_from_its_own_package(run, bucket, tmp_path, emulator):
    assert package.main([f"--output={tmp_path}"]) == 0
    name = f"{package.NAME}.tar.gz"
    bucket.blob(name).upload_from_filename(tmp_path / name)
    done, log = run("trainer.data", [name], "--images=3", "--held_out=1")
    assert done["state"] == "PIPELINE_STATE_SUCCEEDED", log
    assert {"out/model/train-00000.jsonl", "out/model/metrics.json"} <= {
        blob.name for blob in bucket.list_blobs()
    }


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.tar.gz", None, "does not exist"),
        ("broken.tar.gz", b"x", "pip could not install broken.tar.gz"),
    ],
)
def test_a_package_that_cannot_be_installed_fails_the_job(run, bucket, name, content, message):
    if content:
        bucket.blob(name).upload_from_string(content)
    done, log = run("own", [name])
    assert done["state"] == "PIPELINE_STATE_FAILED"
    assert "exited with a non-zero status of 1" in done["error"]["message"]
    assert log.splitlines()[-1].endswith(message)
