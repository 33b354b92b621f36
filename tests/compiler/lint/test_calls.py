"""Calls of the project's own functions, in tasks and alerts."""

from __future__ import annotations

import pytest

from dagfactory.compiler.bundle.sidecars import sidecars
from dagfactory.compiler.compile import compile_spec

ENVIRONMENT = """\
environment: dev
project: demo-project
region: us-central1
bucket: gs://demo-ml
code: {code}
"""
CODE = """\
raise SystemExit("never imported")
def write(day, limit=100): ...
def page(context, who="on call"): ...
def told(**fields): ...
def strict(first, /): ...
def rest(first, /, **more): ...
def paged(context, **more): ...
"""


@pytest.fixture
def check(tmp_path):
    """Compile a pipeline of tasks (and alerts) beside a package `my_team`; return the findings."""

    def made(tasks, alerts="null", code="[my_team]"):
        specs = tmp_path / "specs"
        (specs / "environments").mkdir(parents=True, exist_ok=True)
        (specs / "environments/dev.yaml").write_text(ENVIRONMENT.format(code=code))
        (tmp_path / "my_team").mkdir(exist_ok=True)
        (tmp_path / "my_team/report.py").write_text(CODE)
        head = f"pipeline: p\nalerts: {alerts}\ntasks:\n"
        (specs / "p.yaml").write_text(head + "".join(f"  {each}\n" for each in tasks))
        return compile_spec(specs / "p.yaml", "dev")

    return made


def call(function, args="{}"):
    return f"it: {{type: python, callable: {function}, args: {args}}}"


@pytest.mark.parametrize(
    ("function", "args"),
    [
        ("my_team.report.write", "{day: '{{ ds }}'}"),
        ("my_team.report.write", "{day: 1, limit: 2}"),
        ("my_team.report.told", "{any: 1}"),
        ("their_team.report.unknown", "{any: 1}"),
    ],
)
def test_what_fits_is_silent(check, function, args):
    assert check([call(function, args)]).diagnostics == []


@pytest.mark.parametrize(
    ("function", "args", "fault"),
    [
        ("my_team.report.wirte", "{}", ("DF235", "did you mean `my_team.report.write`?")),
        ("my_team.repotr.write", "{}", ("DF235", "did you mean `my_team.report.write`?")),
        ("my_team.report.write", "{}", ("DF236", "add `day: ...` to `args`")),
        ("my_team.report.write", "{limit: 1}", ("DF236", "add `day: ...` to `args`")),
        ("my_team.report.write", "{day: 1, limt: 2}", ("DF236", "did you mean `limit`?")),
        ("my_team.report.strict", "{first: 1}", ("DF236", None)),
        ("my_team.report.rest", "{first: 1}", ("DF236", "add `first: ...` to `args`")),
        ("my_team.report.strict", "{}", ("DF236", "add `first: ...` to `args`")),
    ],
)
def test_what_does_not_fit(check, function, args, fault):
    (found,) = check([call(function, args)]).diagnostics
    assert found.code == fault[0]
    assert (found.help or "").startswith(fault[1] or "")
    assert found.span.file.endswith("p.yaml")


@pytest.mark.parametrize(
    ("python", "messages"),
    [
        ("{callable: my_team.report.page}", []),
        ("{callable: my_team.report.page, args: {who: me}}", []),
        ("{callable: my_team.report.told}", ["`told` takes no argument by position, and an"]),
        ("{callable: my_team.report.page, args: {context: 1}}", ["`page` takes no argument `con"]),
        (
            "{callable: my_team.report.paged, args: {context: 1}}",
            ["`paged` takes no argument `con"],
        ),
        ("{callable: my_team.report.paged, args: {any: 1}}", []),
        ("{callable: my_team.report.rest, args: {first: 1}}", []),
        ("{callable: my_team.report.pgae}", ["`my_team.report.pgae` is not a function of"]),
    ],
)
@pytest.mark.parametrize(
    "event", ["on_failure: [{}]", "on_run_success: [{}]", "deadline: {{within: 1h, notify: [{}]}}"]
)
def test_functions_of_alerts(check, event, python, messages):
    alerts = "{" + event.format(f"{{python: {python}}}") + "}"
    found = check(["idle: {type: empty}"], alerts).diagnostics
    assert [
        each.message[: len(text)] for each, text in zip(found, messages, strict=True)
    ] == messages


def test_code_travels_where_it_is_called(check):
    made = sidecars(check([call("my_team.report.told")]).plan)
    (path,) = made
    assert path.startswith("dagfactory_code_")
    assert path.endswith("/my_team/report.py")
    assert sidecars(check([call("their_team.report.told")]).plan) == {}
    assert sidecars(check(["idle: {type: empty}"]).plan) == {}


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("[my_taem]", ("DF230", "`my_taem` is not a folder of the project")),
        ("[my-team]", ("DF123", "`my-team` is not a Python package")),
        ("[json]", ("DF123", "`json` would hide a Python package of that name")),
        ("[airflow]", ("DF123", "`airflow` would hide a Python package of that name")),
        ("[../elsewhere]", ("DF230", "`../elsewhere` is not a folder of the project")),
    ],
)
def test_code_that_is_not_there(check, code, fault):
    (found,) = check(["idle: {type: empty}"], code=code).diagnostics
    assert (found.code, found.message) == fault
    assert found.span.file.endswith("dev.yaml")
    assert found.span.line == 5


@pytest.mark.parametrize("broken", ["def f(:\n", "(" * 2000, "\0"])
def test_code_that_is_no_python_is_said_once(check, tmp_path, broken):
    (tmp_path / "my_team").mkdir()
    (tmp_path / "my_team/alerts.py").write_text(broken)
    found = check(["a: {type: python, callable: my_team.alerts.f}"])
    assert {each.code for each in found.diagnostics} == {"DF233"}
