"""Schedules of pipeline jobs: what is due when, by a clock that the test sets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from google.cloud.aiplatform_v1.types import Schedule
from google.protobuf import field_mask_pb2

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.pipelines.cron import BadCronError, Cron
from dagfactory.emulator.pipelines.schedules import Schedules
from dagfactory.emulator.protos import enum_name
from dagfactory.emulator.resource_store import ResourceStore
from dagfactory.emulator.vertex.job_states import set_state
from dagfactory.emulator.vertex.operations import Operations

PARENT = "projects/demo/locations/us-central1"
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


class Jobs:
    """Pipeline jobs that run until the test ends them: a day of real ones would take a day."""

    def __init__(self, store: ResourceStore) -> None:
        self.store, self.made = store, []

    def require_valid(self, _job: Any) -> None:
        """Accept every job."""

    def create(self, request: Any) -> Any:
        job = request.pipeline_job
        job.name = self.store.new_name(request.parent, "pipelineJobs")
        set_state(job, "PipelineState", "RUNNING", None)
        self.store.put(job.name, job)
        self.made.append(job.name)
        return job

    def end(self) -> None:
        for name in self.made:
            with self.store.edit(name) as job:
                set_state(job, "PipelineState", "SUCCEEDED", None)


@pytest.fixture
def clock(tmp_path):
    """Return a service with a clock of its own, stopped at noon."""
    store, clock = ResourceStore(tmp_path), SimpleNamespace(now=NOON)
    clock.jobs = Jobs(store)
    clock.service = Schedules(store, clock.jobs, Operations(store), lambda: clock.now)
    clock.service.close()  # the test moves it
    return clock


def make(clock, **fields):
    job = {"parent": PARENT, "pipeline_job": {"display_name": "p"}}
    given = {"display_name": "s", "cron": "0 * * * *", "max_concurrent_run_count": 1, **fields}
    schedule = Schedule.pb(Schedule(create_pipeline_job_request=job, **given))
    return clock.service.create(SimpleNamespace(parent=PARENT, schedule=schedule))


def after(clock, name, hours, *, ended=True):
    """Let hours pass, a look every ten minutes; return the schedule."""
    for _ in range(int(hours * 6)):
        clock.now += timedelta(minutes=10)
        if ended:
            clock.jobs.end()
        clock.service.tick(name)
    return clock.service.get(SimpleNamespace(name=name))


def test_it_runs_every_hour_until_it_has_run_often_enough(clock):
    made = make(clock, max_run_count=3)
    assert made.next_run_time.ToDatetime(UTC) == NOON + timedelta(hours=1)
    found = after(clock, made.name, 2)
    assert (len(clock.jobs.made), found.started_run_count) == (2, 2)
    found = after(clock, made.name, 5)
    assert (len(clock.jobs.made), enum_name(found, "state")) == (3, "COMPLETED")
    assert not found.HasField("next_run_time")


def test_nothing_is_due_after_its_end(clock):
    made = make(clock, end_time=NOON + timedelta(hours=2, minutes=30))
    found = after(clock, made.name, 5)
    assert (len(clock.jobs.made), enum_name(found, "state")) == (2, "COMPLETED")


def test_nothing_is_due_before_its_start(clock):
    made = make(clock, start_time=NOON + timedelta(hours=3, minutes=30))
    after(clock, made.name, 4)
    assert len(clock.jobs.made) == 1


@pytest.mark.parametrize(("queueing", "after_end"), [(False, 1), (True, 2)])
def test_no_more_at_a_time_than_it_allows(clock, queueing, after_end):
    made = make(clock, allow_queueing=queueing)
    found = after(clock, made.name, 3, ended=False)
    assert len(clock.jobs.made) == 1
    told = found.last_scheduled_run_response.run_response
    assert told.startswith("Created" if queueing else "Skipped")
    clock.jobs.end()
    clock.service.tick(made.name)
    assert len(clock.jobs.made) == after_end


@pytest.mark.parametrize(("catch_up", "runs"), [(False, 1), (True, 5)])
def test_what_a_pause_has_missed(clock, catch_up, runs):
    made = make(clock)
    clock.service.pause(SimpleNamespace(name=made.name))
    found = after(clock, made.name, 4.5)
    assert (len(clock.jobs.made), enum_name(found, "state")) == (0, "PAUSED")
    clock.service.resume(SimpleNamespace(name=made.name, catch_up=catch_up))
    after(clock, made.name, 1)
    assert len(clock.jobs.made) == runs


def test_an_update_counts_from_now(clock):
    made = make(clock)
    change = Schedule.pb(Schedule(name=made.name, cron="TZ=Europe/Berlin 0 3 * * *"))
    mask = field_mask_pb2.FieldMask(paths=["cron"])
    found = clock.service.update(SimpleNamespace(schedule=change, update_mask=mask))
    assert found.next_run_time.ToDatetime(UTC) == datetime(2026, 12, 2, 2, tzinfo=UTC)


@pytest.mark.parametrize("path", ["name", "state", "start_time", "create_pipeline_job_request"])
def test_what_an_update_cannot_change(clock, path):
    mask = field_mask_pb2.FieldMask(paths=[path])
    with pytest.raises(ApiError, match="cannot be changed"):
        clock.service.update(SimpleNamespace(schedule=make(clock), update_mask=mask))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"cron": "every day"}, "Invalid cron"),
        ({"cron": "* * * * * *"}, "Invalid cron"),
        ({"cron": "TZ=Mars/Base 0 * * * *"}, "Unknown time zone"),
        ({"cron": "TZ=../../etc/passwd 0 * * * *"}, "Unknown time zone"),
        ({"display_name": ""}, "display_name is required"),
        ({"max_concurrent_run_count": 0}, "max_concurrent_run_count"),
    ],
)
def test_what_is_no_schedule(clock, fields, words):
    with pytest.raises(ApiError, match=words):
        make(clock, **fields)


def test_states_that_do_not_fit(clock):
    made = make(clock)
    with pytest.raises(ApiError, match="is ACTIVE, not PAUSED"):
        clock.service.resume(SimpleNamespace(name=made.name, catch_up=False))
    clock.service.pause(SimpleNamespace(name=made.name))
    with pytest.raises(ApiError, match="is PAUSED, not ACTIVE"):
        clock.service.pause(SimpleNamespace(name=made.name))


def test_it_goes_by_the_clocks_of_its_time_zone():
    berlin, before = Cron("CRON_TZ=Europe/Berlin 0 3 * * *"), datetime(2026, 3, 27, 3, tzinfo=UTC)
    hours = []
    for _ in range(3):
        before = berlin.after(before)
        hours.append(before.hour)
    assert hours == [2, 1, 1]  # summer time begins on 29 March
    with pytest.raises(BadCronError):
        Cron("0 0 30 2 *").after(before)
