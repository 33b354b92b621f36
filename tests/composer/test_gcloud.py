"""The script of gcloud commands, run by a real shell with a `gcloud` that writes down what it is told."""

import json
import os

import pytest
from composed import project
from processes import run

from dagfactory.composer.command import plans_for
from dagfactory.composer.formats import gcloud
from dagfactory.composer.infrastructure import infrastructure

RECORDER = """\
#!/usr/bin/env python3
import json, os, sys
with open(os.environ["RECORD"], "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
if "channels" in sys.argv:
    print("projects/p/notificationChannels/7")
sys.exit(os.environ["THERE"] != "yes" and ("describe" in sys.argv))
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    plans, environment = plans_for([project(tmp_path_factory.mktemp("specs"))], "prod")
    return gcloud.text(infrastructure(plans, environment))


def commands(script, folder, there):
    """Return the arguments of every call of `gcloud`."""
    (folder / "bin").mkdir()
    (folder / "bin/gcloud").write_text(RECORDER)
    (folder / "bin/gcloud").chmod(0o755)
    record = folder / "record"
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    env = os.environ | {"PATH": path, "RECORD": str(record), "THERE": there}
    assert run(["sh", "-c", script], env=env, capture_output=True).returncode == 0
    return [json.loads(line) for line in record.read_text().splitlines()]


def test_an_environment_is_made_with_all_that_is_written(script, tmp_path):
    told = commands(script, tmp_path, there="no")
    [made] = [each for each in told if each[:3] == ["composer", "environments", "create"]]
    assert made[3] == "ml-prod"
    flags = dict(each.split("=", 1) for each in made[4:])
    assert flags["--image-version"] == "composer-3-airflow-3.1.7-build.2"
    assert flags["--env-variables"] == """^;^TEAM=a${b} %{c} 'd', "e\""""
    assert flags["--worker-memory"] == "7.5GB"
    assert (flags["--min-workers"], flags["--max-workers"]) == ("1", "6")
    assert flags["--dag-processor-count"] == "1"
    assert flags["--storage-bucket"] == "arr-coc-prod-composer"
    packages = [each[-1] for each in told if each[:3] == ["composer", "environments", "update"]]
    assert packages == [
        "--update-pypi-package=boto3[crt]>=1,<2",
        "--update-pypi-package=pandas==2.3.1",
    ]


def test_a_policy_gets_the_channel_that_was_made(script, tmp_path):
    told = commands(script.replace("gcloud alpha monitoring policies list", ": "), tmp_path, "no")
    [policy] = [each for each in told if each[:4] == ["alpha", "monitoring", "policies", "create"]]
    assert policy[-1] == "--notification-channels=projects/p/notificationChannels/7"
    content = next(each for each in policy if each.startswith("--policy="))
    assert json.loads(content.removeprefix("--policy="))["displayName"] == "DAG alerts"


def test_what_is_there_is_not_made_again(script, tmp_path):
    told = commands(script, tmp_path, there="yes")
    assert [each for each in told if each[:3] == ["composer", "environments", "create"]] == []
    assert [each for each in told if each[:3] == ["iam", "service-accounts", "create"]] == []


def test_a_list_has_a_separator_that_no_value_holds():
    assert gcloud._pairs({"a": "1", "b": "2"}) == "a=1,b=2"
    assert gcloud._pairs({"a": "1,2;3", "b": "4"}) == "^|^a=1,2;3|b=4"
    assert gcloud._pairs({}) is None
