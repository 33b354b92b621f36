"""Assets: those in Cloud Storage are Airflow's own, and are made without loading every provider."""

from __future__ import annotations

import json
import os

import processes
import pytest
from lines import PYTHON
from paths import ROOT

pytestmark = pytest.mark.airflow

ADDRESSES = [
    "gs://bucket/x",
    "gs://bucket/deep/er/x.parquet",
    "gs://bucket/x/",
    "gs://bucket",
    "gs://bucket/",
    "gs://bucket//x",
    "gs://bucket/a b",
    "gs://bucket/x?b=1&a=2",
    "gs://bucket/x#part",
    "gs://user:secret@bucket/x",
]
PROGRAM = """
import json, sys, warnings
warnings.simplefilter("ignore")
from dagfactory.runtime.assets import StorageAsset
from airflow.providers.common.compat.sdk import Asset
addresses = json.loads(sys.argv[1])
before = set(sys.modules)
made = [StorageAsset(addresses[0]), StorageAsset(addresses[1])]
loaded = set(sys.modules) - before
made += [StorageAsset(each) for each in addresses[2:]]
plain = [Asset(each) for each in addresses]
import attr
same = [
    type(one) is type(two) and one == two and repr(one) == repr(two)
    and attr.asdict(one, recurse=False) == attr.asdict(two, recurse=False)
    for one, two in zip(made, plain)
]
print(json.dumps({"same": same, "loaded": sorted(loaded), "all": len(set(sys.modules) - before)}))
"""


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> dict:
    home = tmp_path_factory.mktemp("home")
    env = os.environ | {"AIRFLOW_HOME": str(home), "PYTHONPATH": str(ROOT)}
    command = [PYTHON, "-c", PROGRAM, json.dumps(ADDRESSES)]
    done = processes.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_they_are_what_airflow_would_have_made(compared: dict) -> None:
    assert dict(zip(ADDRESSES, compared["same"], strict=True)) == dict.fromkeys(ADDRESSES, True)


def test_usual_addresses_load_no_provider(compared: dict) -> None:
    assert [name for name in compared["loaded"] if name.startswith("airflow.providers")] == []
    assert len(compared["loaded"]) < 20 < compared["all"]
