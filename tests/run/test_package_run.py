"""`package:` through the whole command: a changed trainer in the bucket is the one that trains."""

import json
import os
import shutil
import sys

import processes
import pytest
from paths import ROOT

import trainer
from dagfactory.run.state_folders import StateFolders
from trainer import package

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SPEC = """\
pipeline: packed
schedule: null
tasks:
  train:
    type: train
    package: ${env.bucket}/packages/dagfactory_trainer-9.9.9.tar.gz
    module: trainer
    image: us-docker.pkg.dev/vertex-ai/training/pytorch-gpu:latest
    machine: {type: n1-standard-4}
    args: {textures: sort-of-clevr, epochs: 1, limit: 40, width: 16, heads: 2, keep: 16}
  decide: {type: gate, metrics: "${tasks.train.metrics}", when: loss < 10, then: good, else: bad}
  good: {type: empty}
  bad: {type: empty}
"""


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """The state of a run of SPEC, whose package says that it is of version 9.9.9."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "specs" / "environments", folder / "specs" / "environments")
    (folder / "specs" / "packed.yaml").write_text(SPEC)
    state = StateFolders(folder / ".dagfactory")
    files = package.contents(ROOT / "trainer")
    own = files["trainer/__init__.py"].replace(trainer.__version__.encode(), b"9.9.9")
    packed = package.archive({**files, "trainer/__init__.py": own}, package.EPOCH)
    place = state.objects / "arr-coc-local-ml" / "packages" / "dagfactory_trainer-9.9.9.tar.gz"
    place.parent.mkdir(parents=True)
    place.write_bytes(packed)
    done = processes.run(
        [sys.executable, "-m", "dagfactory", "run", "specs/packed.yaml", "--timeout", "4m"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return state


def test_the_package_of_the_bucket_trained(state):
    (config,) = state.objects.rglob("runs/**/model/config.json")
    assert json.loads(config.read_text())["versions"]["trainer"] == "9.9.9"
    metrics = json.loads((config.parent / "metrics.json").read_text())
    assert metrics["complete"]
    assert metrics["step"] == 4
