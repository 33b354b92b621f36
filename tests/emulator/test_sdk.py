"""google-cloud-aiplatform, unmodified: each call is served, or refused as docs/emulator.md says.

With DAGFACTORY_UPDATE=1 the table there is written anew.
"""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import processes
import pytest
from paths import ROOT

from dagfactory.emulator.client import start

PAGE = ROOT / "docs/emulator.md"
FIRST, LAST = "<!-- sdk -->\n", "<!-- end sdk -->\n"
DOUBLES = "import json, sys; [print(json.dumps(2 * json.loads(line)['x'])) for line in sys.stdin]"


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    entrypoints = {"img/doubles": f'python -c "{DOUBLES}"'}
    place = tmp_path_factory.mktemp("sdk")
    buckets = ["demo-ml=us-central1"]
    with start(place / "state", entrypoints=entrypoints, buckets=buckets) as emulator:
        program = Path(__file__).parent / "sdk_calls.py"
        command = [sys.executable, "-W", "ignore", str(program), str(place / "pipeline.json")]
        shown = processes.run(
            command, env=emulator.environ(), capture_output=True, text=True, check=False
        )
        assert shown.returncode == 0, shown.stderr
    found: dict[str, Any] = json.loads(shown.stdout.splitlines()[-1])
    return found


def test_an_endpoint_predicts_with_the_command_of_its_image(ended):
    assert ended["Endpoint.predict"] == {"value": [2, 5]}


def test_an_experiment_reads_as_it_was_written(ended):
    row = ended["Experiment: get_experiment_df"]["value"]
    assert row.pop("run_type") == "system.ExperimentRun"
    assert row == {
        "experiment_name": "sdk-calls",
        "run_name": "run-1",
        "state": "COMPLETE",
        "param.lr": 0.1,
        "param.optimizer": "adam",
        "metric.accuracy": 0.9,
        "time_series_metric.loss": 0.5,
    }


def test_a_schedule_is_paused_resumed_and_changed(ended):
    assert ended["PipelineJobSchedule.list, get"] == {"value": ["TZ=Europe/Berlin 0 3 * * 1"]}
    states = ["ACTIVE", "PAUSED", "ACTIVE", "0 4 * * *", "04:00"]
    assert ended["PipelineJobSchedule.pause, resume, update"] == {"value": states}


def test_the_page_says_how_each_call_ends(ended):
    made = "".join(["| call | here |\n|---|---|\n", *map(row, ended.items())])
    page = PAGE.read_text()
    start_, end = page.index(FIRST) + len(FIRST), page.index(LAST)
    if os.environ.get("DAGFACTORY_UPDATE") == "1":
        PAGE.write_text(page[:start_] + made + page[end:])
    assert PAGE.read_text()[start_:].startswith(made), "run with DAGFACTORY_UPDATE=1"


def row(item: tuple[str, dict[str, Any]]) -> str:
    """Return the line of a call; the numbers of resources are any."""
    call, how = item
    reason = re.sub(r"/(\d{4,})\b", "/…", how.get("error", ""))
    return f"| {call} | {f'refused: «{reason}»' if reason else 'served'} |\n"
