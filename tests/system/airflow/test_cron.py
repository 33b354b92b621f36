"""A cron text is right here just when Airflow takes it: both answers, compared for hundreds of texts."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import processes
import pytest
from cron_texts import cron_texts
from lines import AIRFLOW_2
from pydantic import TypeAdapter, ValidationError

from dagfactory.language.schedule import ScheduleField

PROGRAM = Path(__file__).with_name("crons.py")
SCHEDULE = TypeAdapter(ScheduleField)
TEXTS = cron_texts(400)


def airflow_says(python: str, texts: list[str], home: Path) -> dict[str, list[bool]]:
    """Return for each text whether Airflow takes it as a schedule, and in a timetable."""
    settings = os.environ | {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    done = processes.run(
        [python, str(PROGRAM)],
        env=settings, input=json.dumps(texts), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def accepted(value):
    try:
        return bool(SCHEDULE.validate_python(value))
    except ValidationError:
        return False


@pytest.fixture(
    scope="module",
    params=[sys.executable, pytest.param(str(AIRFLOW_2), marks=pytest.mark.airflow2)],
    ids=["airflow3", "airflow2"],
)
def answers(request, tmp_path_factory):
    return airflow_says(request.param, TEXTS, tmp_path_factory.mktemp("home"))


def test_both_agree_on_every_schedule(answers):
    ours = {text: accepted(text) for text in TEXTS}
    assert {text: yes for text, (yes, _) in answers.items()} == ours


def test_both_agree_on_every_cron_text_beside_assets(answers):
    ours = {text: accepted({"cron": text, "assets": ["x"]}) for text in TEXTS}
    assert {text: yes for text, (_, yes) in answers.items()} == ours


def test_the_sample_has_many_of_both(answers):
    found = [yes for yes, _ in answers.values()]
    assert min(found.count(True), found.count(False)) > 100


RANDOM = ("R R * * *", "R(0-9) 3 * * *", "0 R/2 * * *", "r 0 * * *")


@pytest.mark.parametrize("text", RANDOM)
def test_random_times_are_the_exception(text):
    """Airflow takes them and draws again at each reading: what runs is not what was checked."""
    with pytest.raises(ValidationError, match="another time whenever Airflow reads it"):
        SCHEDULE.validate_python(text)


def test_airflow_does_draw_random_times_again(tmp_path):
    assert all(yes for yes, _ in airflow_says(sys.executable, list(RANDOM), tmp_path).values())
    from croniter import croniter

    assert len({tuple(croniter("R R * * *").expanded[0]) for _ in range(50)}) > 1
