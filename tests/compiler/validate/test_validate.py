import json
from datetime import UTC, datetime, timedelta

import pytest
from cron_texts import cron_texts

from dagfactory.compiler.validate.validate import validate, validate_environment
from dagfactory.diagnostics.source import SourceFile
from dagfactory.document.load import load
from dagfactory.language.assets import AssetCondition
from dagfactory.language.cron import accepts, checked, days_and_months, first
from dagfactory.project.code import Project

MONDAY = datetime(2026, 1, 5)  # noqa: DTZ001 - as specs write dates
TASKS = "tasks: {a: {type: empty}}\n"


def tree(text):
    node, problems = load(SourceFile("f", text))
    assert problems == []
    return node


def pipeline(text, tasks=TASKS):
    found, problems = validate(tree(f"pipeline: p\n{text}\n{tasks}"))
    assert problems == []
    return found


def problems_of(text, tasks=TASKS):
    problems = validate(tree(f"pipeline: p\n{text}\n{tasks}"))[1]
    assert problems
    return [(each.code, each.message) for each in problems]


def test_a_pipeline_has_its_values_and_defaults():
    found = pipeline("owner: me\ntimeout: 1h30m\nparams: {x: {type: integer}}")
    assert (found.pipeline, found.owner, found.timezone, found.catchup) == ("p", "me", "UTC", False)
    assert found.timeout == timedelta(minutes=90)
    assert found.params["x"].default is None
    assert found.start_date == datetime(2024, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    assert found.schedule is None
    assert [each.type for each in found.tasks.values()] == ["empty"]


def test_models_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        pipeline("").owner = "me"


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("'@daily'", "preset", "@daily"),
        ("0 3 * * 1", "cron", "0 3 * * 1"),
        ('"*/15  0-6,22 1,15 jan-mar MON"', "cron", "*/15 0-6,22 1,15 jan-mar MON"),
        ("{every: 6h}", "every", timedelta(hours=6)),
        ("{assets: [gs://b/x]}", "assets", AssetCondition(all=["gs://b/x"])),
        ("{cron: 0 3 * * 7}", "cron", "0 3 * * 7"),
        ("0 0 L * *", "cron", "0 0 L * *"),
        ("0 9 * * 1#1", "cron", "0 9 * * 1#1"),
        ("0 22-5 * * *", "cron", "0 22-5 * * *"),
        ("'@Daily'", "cron", "@daily"),
        ("'@midnight'", "cron", "@midnight"),
        ("{cron: '@quarterly'}", "cron", "@quarterly"),
    ],
)
def test_schedules_have_short_forms(text, field, value):
    found = pipeline(f"start_date: 2026-01-05\nschedule: {text}").schedule
    assert getattr(found, field) == value
    assert found.timed == (field != "assets")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 3 * *", "4 fields"),
        ("60 3 * * *", "minute `60`"),
        ("0 24 * * *", "hour `24`"),
        ("0 0 0 * *", "day of month `0`"),
        ("0 0 * 13 *", "month `13`"),
        ("0 0 * * 8", "day of week `8`"),
        ("0 0 * foo *", "month `foo`"),
        ("*/0 * * * *", "step of 0"),
        ("1,,2 * * * *", "not a minute"),
        ("a-b-c * * * *", "not a minute"),
        ("0 0 * * mon#6", "no month has a day of week `#6`"),
        ("0 0 15W,3 * *", "`W` does not go together"),
        ("0 0 * * 1#1,2", "`#` does not go together"),
        ("0 0 * ? *", "not for a month"),
        ("H 3 * * *", "Jenkins"),
        ("0 0 L-3 * *", "day of month `L`"),
        ("0 0 * * 0 60", "second `60`"),
        ("0 0 * * 7 0", "outside 0-6"),
        ("0 0 1 1 * 0 1969", "year `1969`"),
        ("* * * * * * * *", "8 fields"),
        ("R 3 * * *", "another time whenever"),
    ],
)
def test_cron_is_read_field_by_field(text, words):
    ((code, message),) = problems_of(f"start_date: 2026-01-05\nschedule: '{text}'")
    assert code == "DF123"
    assert words in message


def test_a_fault_in_cron_is_marked_alone():
    text = "pipeline: p\nstart_date: 2026-01-05\nschedule: '0 3 * * 1,9'\n" + TASKS
    (problem,) = validate(tree(text))[1]
    assert (problem.span.line, problem.span.column, problem.span.end_column) == (3, 22, 23)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("0 0 3 ? * MON", "`0 3 ? * MON`"),
        ("0 0 3 ? * MON *", "`0 3 ? * MON`"),
        ("0 3 * * 1 2026", "`0 3 * * 1`"),
        ("0 0 * janu *", "did you mean `jan`?"),
        ("0 0 * * mon-fry", "did you mean `fri`?"),
        ("0 0 * * 5L", "`L5` (the last)"),
        ("{cron: '@dayly'}", "did you mean `@daily`?"),
        ("{cron: '@once'}", "stands alone"),
        ("daily", '`"@daily"`'),
        ("6h", "`{every: 6h}`"),
    ],
)
def test_a_fault_in_cron_comes_with_its_repair(text, remedy):
    text = text if text.startswith("{") else f"'{text}'"
    problems = validate(tree(f"pipeline: p\nstart_date: 2026-01-05\nschedule: {text}\n{TASKS}"))[1]
    assert remedy in problems[0].help


def test_whatever_is_wrong_with_cron_is_marked_inside_of_it():
    """One finding, on the text or on a part of it that is not empty."""
    for text in cron_texts(200, seed=1):
        written = json.dumps(text, ensure_ascii=False)
        head = f"pipeline: p\nstart_date: 2026-01-05\nschedule: {written}\n"
        found, problems = validate(tree(head + TASKS))
        assert len(problems) == (found.schedule is None), text
        for problem in problems:
            assert problem.code in {"DF123", "DF124"}, text
            assert 11 <= problem.span.column < problem.span.end_column, text
            assert problem.span.end_column <= 11 + len(written), text


def test_a_checked_cron_text_is_read_as_the_one_that_was_written():
    for text in cron_texts(200, seed=2):
        if accepts(text):
            assert days_and_months(checked(text)) == days_and_months(text)
            assert first(checked(text), MONDAY) == first(text, MONDAY)


@pytest.mark.parametrize("schedule", ["'@daily'", "0 3 * * 1", "{every: 1d}"])
def test_the_clock_needs_a_first_day(schedule):
    assert problems_of(f"schedule: {schedule}") == [
        ("DF121", "this file lacks the key `start_date`")
    ]


def test_assets_need_no_first_day():
    assert pipeline("schedule: {assets: [x]}").schedule.assets == AssetCondition(all=["x"])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("5m", 300),
        ("1h30m", 5400),
        ("24h", 86400),
        ("7d", 604800),
        ("1d2h3m4s", 93784),
        ("PT5M", 300),
        ("P1DT1S", 86401),
    ],
)
def test_durations(text, seconds):
    found = pipeline(f"timeout: {text}").timeout
    assert found == timedelta(seconds=seconds)


def test_a_pause_may_be_nothing_but_no_limit():
    assert pipeline("defaults: {retries: {delay: 0s}}").defaults.retries.delay == timedelta()
    for text in ("timeout: 0s", "defaults: {poll: 0s}", "schedule: {every: 0s}"):
        assert "nothing" in problems_of(text)[0][1]


@pytest.mark.parametrize(
    "text", ["5", "5 m", "5M", "m", "P", "PT", "1h-5m", "1m1h", "''", "4000d", "٣m"]
)
def test_what_is_no_duration(text):
    assert problems_of(f"timeout: '{text}'" if text != "''" else "timeout: ''")[0][0] == "DF123"


def test_durations_are_written_as_they_are_read():
    found = pipeline("timeout: PT26H3M").model_dump(mode="json")
    assert found["timeout"] == "1d2h3m"


@pytest.mark.parametrize("text", ["2026-01-05", "2026-01-05T03:00", "20260105T0300"])
def test_dates(text):
    assert pipeline(f"start_date: {text}").start_date.date().isoformat() == "2026-01-05"


@pytest.mark.parametrize(
    "text",
    [
        "2026-13-01",
        "5.1.2026",
        "2026-01-05T00:00Z",
        "tomorrow",
        "{{ ds }}",
        "0001-01-01",
        "9999-12-31",
        "2026-01-05T00:00:00.5",
    ],
)
def test_what_is_no_date(text):
    assert len(problems_of(f"start_date: '{text}'")) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{type: number, default: x}", "does not fit `type: number`"),
        ("{type: integer, default: true}", "does not fit `type: integer`"),
        ("{type: number, default: 2, maximum: 1}", "above the maximum"),
        ("{type: number, default: 0, minimum: 1}", "below the minimum"),
        ("{type: number, minimum: 2, maximum: 1}", "`minimum` is above"),
        ("{type: string, default: c, enum: [a, b]}", "not among"),
        ("{type: string, enum: [a, 1]}", "does not fit"),
        ("{type: string, default: c, pattern: '^a'}", "does not match"),
        ("{type: string, pattern: '('}", "not a regular expression"),
        ("{type: number, default: .nan}", "finite"),
        ("{type: number, minimum: .inf}", "finite"),
        ("{type: string, minimum: 3, default: x}", "says nothing about"),
        ("{type: array, maximum: 3, default: []}", "says nothing about"),
        ("{type: number, pattern: x, default: 3}", "says nothing about"),
    ],
)
def test_parameters_are_consistent(text, words):
    ((code, message),) = problems_of(f"params: {{x: {text}}}")
    assert code == "DF123"
    assert words in message


def test_tasks_in_groups_have_their_own_models():
    tasks = "tasks: {g: {type: group, tasks: {h: {type: group, tasks: {a: {type: empty}}}}}}"
    found = pipeline("", tasks)
    assert found.tasks["g"].tasks["h"].tasks["a"].type == "empty"


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ("tasks: {}", ("DF123", "`tasks` is empty")),
        ("tasks:", ("DF122", "`tasks` needs a mapping, but is empty")),
        ("tasks: {a: }", ("DF122", "`a` needs a mapping, but is empty")),
        ("tasks: {a: {}}", ("DF121", "task `a` lacks the key `type`")),
        (
            "tasks: {a: {type: null}}",
            ("DF122", "`type` needs the name of a task type, but is empty"),
        ),
        ("tasks: {a: {type: [x]}}", ("DF122", "`type` needs the name of a task type, not a list")),
        ("tasks: {a: {type: ../x}}", ("DF125", "unknown task type `../x`")),
        ("tasks: {a: {type: _private}}", ("DF125", "unknown task type `_private`")),
        ("tasks: {g: {type: group}}", ("DF121", "`g` lacks the key `tasks`")),
        ("tasks: {g: {type: group, tasks: {}}}", ("DF123", "`tasks` is empty")),
        ("tasks: {g: {type: group, tasks: {A: {type: empty}}}}", ("DF123", "`A` is not a task id")),
        (
            "tasks: {a: {type: empty, after: b}}",
            ("DF122", "`after` needs a list, not the text `b`"),
        ),
    ],
)
def test_tasks_are_checked_one_by_one(tasks, expected):
    assert problems_of("", tasks) == [expected]


def test_a_fault_in_one_task_hides_none_in_another():
    tasks = "tasks: {a: {type: empty, poool: x}, b: {type: nope}, c: 1}"
    codes = [code for code, _ in problems_of("owner: 1", tasks)]
    assert codes == ["DF122", "DF120", "DF125", "DF122"]


ENVIRONMENT = (
    "environment: prod\nproject: arr-coc-prod\nregion: us-central1\nbucket: gs://arr-coc\n"
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ENVIRONMENT.replace("us-central1", "us-central"), "not a region"),
        (ENVIRONMENT.replace("gs://arr-coc", "arr-coc"), "not a bucket"),
        (ENVIRONMENT.replace("gs://arr-coc", "gs://arr-coc/x"), "not a bucket"),
        (ENVIRONMENT.replace("arr-coc-prod", "1x"), "not a Google Cloud project"),
        (ENVIRONMENT + "service_account: me", "not a service account"),
        (ENVIRONMENT + "labels: {Team: ml}", "not a label"),
        (ENVIRONMENT + "target: airflow4", "unknown target"),
        ("environment: prod", "lacks the key `project`"),
    ],
)
def test_environments_are_checked(text, words):
    problems = validate_environment(tree(text), "prod", Project())[1]
    assert words in " ".join(each.message for each in problems)


def test_a_right_environment():
    found, problems = validate_environment(tree(ENVIRONMENT), "prod", Project())
    assert problems == []
    assert (found.environment, found.target, found.vars) == ("prod", "airflow3", {})


SWEEP = """tasks:
  s:
    type: sweep
    module: m
    image: a/b:1
    machine: {type: g2-standard-4}
    metric: {name: a, goal: maximize}
    parameters: %s
"""


@pytest.mark.parametrize(
    ("parameters", "help_"),
    [
        ("{lr: 3}", "write `{values: [3]}`"),
        ("{lr: [adam, 2]}", 'write `{values: ["adam", 2]}`'),
        ("{x: {values: [1]}, y: {values: [1]}}\n    zip: [x, y]", "write `[[x, y]]`"),
    ],
)
def test_a_bare_hyperparameter_is_told_what_to_write(parameters, help_):
    _, (problem,) = validate(tree(f"pipeline: p\n{SWEEP % parameters}"))
    assert (problem.code, problem.help) == ("DF122", help_)


def test_an_empty_mapping_of_metrics_has_one_finding():
    gate = (
        'tasks: {g: {type: gate, metrics: {}, when: "a > 1", then: x, else: y},'
        " x: {type: empty}, y: {type: empty}}"
    )
    found = problems_of("", gate)
    assert found == [("DF123", "`metrics` must be at least 1 long, not an empty mapping")]


@pytest.mark.parametrize("end", ["1e999", "99999999999999999999"])
def test_a_number_out_of_range_is_no_empty_range(end):
    text = f"pipeline: p\n{SWEEP % f'{{lr: {{min: 1, max: {end}}}}}'}"
    node, (problem,) = load(SourceFile("f", text))
    assert (problem.code, validate(node)[1]) == ("DF109", [])
