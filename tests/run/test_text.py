import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from dagfactory.diagnostics.columns import table
from dagfactory.run.command import RunRequest, run, web_ui
from dagfactory.run.events import (
    Failure,
    MappedProgress,
    NotReadyError,
    Phase,
    RunResult,
    TaskChange,
    TaskResult,
)
from dagfactory.run.lines import line
from dagfactory.run.login import Login
from dagfactory.run.logs import failure_text, job_log, run_logs, tail, task_log, vertex_job
from dagfactory.run.refused import parameter
from dagfactory.run.results import local_file, read_metrics
from dagfactory.run.summary import summary, tasks_table
from dagfactory.run.text import clock, duration

JOB = "projects/123/locations/us-central1/trainingPipelines/456"
RECORDS = [
    {"level": "info", "event": "::group::Pre Execute"},
    {"level": "info", "event": f"Launched {JOB}: https://console"},
    {"level": "error", "event": "first trouble"},
    {
        "level": "error",
        "event": "Task failed with exception",
        "error_detail": [
            {
                "exc_type": "AirflowException",
                "exc_value": "no capacity",
                "frames": [{"filename": "job.py", "lineno": 7}],
            },
        ],
    },
    {"level": "info", "event": "::endgroup::"},
]


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "attempt=1.log"
    path.write_text("".join(json.dumps(each) + "\n" for each in RECORDS) + "not json\n")
    return path


def test_a_log_ends_readably(log):
    assert tail(log, 4) == (
        "ERROR    first trouble",
        "ERROR    Task failed with exception",
        "         AirflowException: no capacity (job.py:7)",
        "INFO     not json",
    )


def test_the_reason_of_a_failure_is_its_exception_else_its_last_error(log, tmp_path):
    assert failure_text(log) == "AirflowException: no capacity"
    log.write_text(json.dumps(RECORDS[2]) + "\n")
    assert failure_text(log) == "first trouble"
    assert failure_text(tmp_path / "absent") == ""


def test_what_was_raised_is_said_not_its_cause(log):
    detail = [{"exc_type": kind, "exc_value": kind.lower()} for kind in ("Raised", "Cause")]
    log.write_text(json.dumps({"level": "error", "event": "x", "error_detail": detail}) + "\n")
    assert failure_text(log) == "Raised: raised"


def test_a_failed_job_speaks_for_itself(log, tmp_path):
    link = "https://x/viewer?resource=ml_job%2Fjob_id%2F1008"
    text = f"{JOB} ended\nThe replica exited. To find out more about why your job exited: {link}\nOOM\n{link}"
    error = {"exc_type": "AirflowException", "exc_value": text}
    log.write_text(
        json.dumps({"level": "error", "event": "failed", "error_detail": [error]}) + "\n"
    )
    assert failure_text(log) == f"AirflowException: {JOB} ended … OOM"
    assert tail(log)[1:] == (
        f"         AirflowException: {JOB} ended",
        "         The replica exited.",
        "         OOM",
    )
    assert job_log(log, tmp_path) is None
    jobs = tmp_path / "jobs" / "1008"
    jobs.mkdir(parents=True)
    for attempt in (2, 10):
        (jobs / f"attempt-{attempt}.log").touch()
    assert job_log(log, tmp_path) == jobs / "attempt-10.log"


def test_the_job_of_a_task_is_found_in_its_log(log, tmp_path):
    assert vertex_job(log) == "456"
    assert vertex_job(tmp_path / "absent") == ""


def test_mapped_instances_have_their_own_logs():
    run_folder = run_logs(Path("logs"), "d", "r")
    assert (
        str(task_log(run_folder, "t", -1, 2))
        == "logs/tasks/dag_id=d/run_id=r/task_id=t/attempt=2.log"
    )
    assert task_log(run_folder, "t", 3, 1).parent.name == "map_index=3"


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (Phase("API server up", 7.0), "API server up"),
        (
            TaskChange("train", -1, "running", "success", 1, 31.2),
            "train                     running → success     31.2 s",
        ),
        (
            TaskChange("train", -1, "running", "deferred", 1, None, "waiting for Vertex job 4"),
            "train                     running → deferred      waiting for Vertex job 4",
        ),
        (
            TaskChange("try", 2, "running", "failed", 1, 1.0, "boom"),
            "try[2]                    running → failed      1.0 s  boom",
        ),
        (TaskChange("train", -1, "none", "scheduled", 1, None), ""),
        (
            MappedProgress("search.trial", Counter(success=2, failed=1, running=1, none=1)),
            "search.trial              3/5 done              1 failed, 1 running",
        ),
        (MappedProgress("search.trial", Counter(none=4)), ""),
    ],
)
def test_an_event_is_one_line_or_nothing(event, text):
    assert line(event) == text


def test_times():
    assert [clock(5), clock(125), clock(3725)] == ["00:05", "02:05", "1:02:05"]
    assert [duration(None), duration(31.24), duration(125.0)] == ["", "31.2 s", "2 min 05 s"]


def test_columns_without_content_are_left_out():
    assert table(("a", "b", "c"), [("1", "", "x"), ("22", "", "")]) == ["a   c", "1   x", "22"]


def test_addresses_outside_of_the_objects_are_not_read(tmp_path):
    assert local_file("gs://b/x", tmp_path) == tmp_path / "b" / "x"
    assert local_file("gs://../../etc/passwd", tmp_path) is None
    assert local_file("https://b/x", tmp_path) is None


@pytest.mark.parametrize("content", ["{", "[]", '{"metrics": 3}'])
def test_unreadable_metrics_are_no_metrics(tmp_path, content):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "m.json").write_text(content)
    assert read_metrics({"metrics": "gs://b/m.json"}, tmp_path) == {}
    assert read_metrics({"metrics": "gs://b/absent.json"}, tmp_path) == {}
    assert read_metrics(None, tmp_path) == {}


TASKS = (
    TaskResult(
        "search.best",
        "BestTrialOperator",
        "success",
        1,
        0.5,
        value={
            "trial": "ab12",
            "parameters": {"learning_rate": 0.001},
            "metric": "val_accuracy",
            "value": 0.93125,
            "trials": 4,
            "model_dir": "gs://b/run/search/ab12/model",
        },
    ),
    TaskResult("search.trial", "VertexTrialOperator", "success", 2, 61.0, Counter(success=4)),
    TaskResult(
        "train",
        "VertexJobOperator",
        "success",
        1,
        12.0,
        value={"job": JOB, "outputs": {"model_dir": "gs://b/run/train/model"}},
        metrics={"loss": 0.25, "recall": 1, "accuracy": 0.94},
    ),
    TaskResult(
        "decide",
        "GateOperator",
        "success",
        1,
        0.1,
        value={
            "passed": False,
            "reason": "accuracy is 0.94, below 0.95",
            "metrics": {"accuracy": 0.94},
        },
    ),
    TaskResult(
        "register", "RegisterModelOperator", "success", 1, 0.2, value={"model": "projects/p/m@1"}
    ),
    TaskResult(
        "deploy",
        "DeployModelOperator",
        "success",
        1,
        0.2,
        value={"endpoint": "e/1", "traffic": {"2": 100}},
    ),
)


def test_the_table_shows_each_task_with_metric_and_artifact():
    assert tasks_table(TASKS, "run") == [
        "task          state        tries  time    metric               artifact",
        "search.best   success             0.5 s   val_accuracy=0.9313  search/ab12/model",
        "search.trial  success 4/4  2      61.0 s",
        "train         success             12.0 s  accuracy=0.94        train/model",
        "decide        success             0.1 s   accuracy=0.94",
        "register      success             0.2 s                        p/m@1",
        "deploy        success             0.2 s                        e/1",
    ]


def _result(state: str, folder: Path, failures: tuple[Failure, ...] = ()) -> RunResult:
    return RunResult(
        dag_id="d",
        run_id="r",
        state=state,
        seconds=75.0,
        url="http://127.0.0.1:1/dags/d/runs/r",
        login=Login(),
        tasks=TASKS,
        failures=failures,
        logs=folder / "logs",
        objects=folder / "absent",
    )


def test_the_summary_of_a_success(tmp_path):
    lines = summary(
        _result("success", tmp_path),
        command="dagfactory run x.yaml",
        go_on="dagfactory run x.yaml --rerun-failed",
    )
    assert lines[9:] == [
        "best trial of 4: ab12 with learning_rate=0.001",
        "gate decide did not pass: accuracy is 0.94, below 0.95",
        "registered projects/p/m@1",
        "deployed to e/1, traffic 2=100",
        "",
        "d succeeded after 75.0 s",
        f"  logs       {tmp_path}/logs",
        "  next       dagfactory run x.yaml --ui     to look around in Airflow's web UI",
    ]


def test_the_summary_of_a_failure_names_at_most_three(tmp_path):
    failed = tuple(Failure(f"t{i}", Path("/x.log"), ("ERROR boom",)) for i in range(5))
    lines = summary(
        _result("failed", tmp_path, failed),
        command="dagfactory run x.yaml",
        go_on="dagfactory run x.yaml --rerun-failed",
    )
    assert [text for text in lines if text.endswith("the end of its log:")] == [
        f"t{i} failed; the end of its log:" for i in range(3)
    ]
    assert "  │ ERROR boom" in lines
    assert "… and 2 more failed" in lines
    assert "d FAILED after 75.0 s" in lines


def test_params_are_json_where_they_can_be():
    assert parameter("t=0.9") == ("t", 0.9)
    assert parameter("t=a=b") == ("t", "a=b")
    assert parameter("t=") == ("t", "")
    with pytest.raises(NotReadyError, match="write it as NAME=VALUE"):
        parameter("t")


def test_the_command_can_be_pasted_again():
    request = RunRequest(
        Path("x y.yaml"), params=("t=1",), faults=("preempt:1",), environment="dev"
    )
    assert request.words == "dagfactory run 'x y.yaml' --param=t=1 --fault=preempt:1 --env=dev"


def test_the_command_that_goes_on_is_one_that_is_taken():
    request = RunRequest(Path("x.yaml"), params=("t=1",), faults=("a",), state=Path("other"))
    assert request.words_to_go_on == "dagfactory run x.yaml --state=other --rerun-failed"


def test_an_entrypoint_is_handed_on_and_must_have_a_command(tmp_path, capsys):
    (tmp_path / "dag.py").touch()
    request = RunRequest(tmp_path, state=tmp_path / "state", entrypoints=("gs://t/*=sh x.sh",))
    assert "'--entrypoint=gs://t/*=sh x.sh'" in request.words
    assert run(replace(request, entrypoints=("gs://t",))) == 2
    assert capsys.readouterr().err == "error: --entrypoint gs://t: write it as GLOB=COMMAND\n"


def test_a_users_mistake_is_one_line_and_exit_code_2(tmp_path, capsys):
    assert run(RunRequest(tmp_path, state=tmp_path / "state")) == 2
    advice = "`run` takes one spec, or a folder with one rendered DAG"
    expected = f"error: {tmp_path} is a folder without a DAG; {advice}\n"
    assert capsys.readouterr().err == expected


def test_the_summary_says_where_the_run_lies_here_and_in_the_bucket(tmp_path):
    (tmp_path / "gcs").mkdir()
    result = replace(_result("success", tmp_path), run_id="run", objects=tmp_path / "gcs")
    lines = summary(
        result, command="dagfactory run x.yaml", go_on="dagfactory run x.yaml --rerun-failed"
    )
    assert "  artifacts  gs://b/run" in lines
    assert f"      here   {tmp_path}/gcs/b/run" in lines


def test_the_summary_names_experiments_and_the_command_that_draws_them(tmp_path):
    (tmp_path / "gcs").mkdir()
    plain = replace(_result("success", tmp_path), run_id="run", objects=tmp_path / "gcs")
    first, *others = plain.tasks
    named = replace(first, value={**first.value, "experiment": "arr-coc"})
    lines = summary(replace(plain, tasks=(named, *others)), command="run", go_on="run --from")
    at = lines.index("  experiment arr-coc")
    assert lines[at + 1] == f"      draw   tensorboard --logdir {tmp_path}/gcs/b/run"
    assert "experiment" not in "\n".join(summary(plain, command="run", go_on="run --from"))


def test_the_web_ui_is_shown_with_its_login(tmp_path):
    result = _result("success", tmp_path)
    shown = web_ui(result, tmp_path / "links")
    assert result.url in shown
    assert f"log in as user admin, password {result.login.password}" in shown
    assert result.login.password not in repr(result)
