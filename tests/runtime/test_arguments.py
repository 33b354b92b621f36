"""Values as the arguments of a program: one spelling, whoever brings the value."""

from __future__ import annotations

import argparse
import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment

from dagfactory.runtime.arguments import STYLES, as_arguments, as_text, as_words
from dagfactory.runtime.grid import Trial
from dagfactory.runtime.jobspec import for_trial
from dagfactory.runtime.program import rendered
from dagfactory.runtime.tune import as_written

TEXTS = [
    (0.001, "0.001"),
    (1e6, "1000000"),
    (32.0, "32"),
    (-3.0, "-3"),
    (0.0, "0"),
    (1e300, "1e+300"),
    (2.5, "2.5"),
    (10, "10"),
    (True, "true"),
    (False, "false"),
    ([1, "a b"], '[1,"a b"]'),
    ({"a": [1]}, '{"a":[1]}'),
    ("a=b", "a=b"),
    ("", ""),
]


@pytest.mark.parametrize(("value", "text"), TEXTS)
def test_a_value_becomes_text(value, text):
    assert as_text(value) == text
    assert as_arguments({"k": value}) == [f"--k={text}"]


@pytest.mark.parametrize("style", STYLES)
def test_null_leaves_an_argument_out(style):
    assert as_arguments({"k": None}, style) == []


def test_argparse_gets_bare_flags_and_lists_of_words():
    values = {"fast": True, "slow": False, "sizes": [1, 2], "names": ["a b"], "lr": 0.1}
    written = as_arguments(values, "argparse")
    assert written == ["--fast", "--sizes", "1", "2", "--names", "a b", "--lr=0.1"]
    parser = argparse.ArgumentParser()
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--slow", action="store_true")
    parser.add_argument("--sizes", type=int, nargs="*")
    parser.add_argument("--names", nargs="+")
    parser.add_argument("--lr", type=float)
    assert vars(parser.parse_args(written)) == values


HYDRA = [
    ("model.lr", 0.1, "model.lr=0.1"),
    ("+model.new", 1, "+model.new=1"),
    ("db@src", "mysql", "db@src=mysql"),
    ("flag", True, "flag=true"),
    ("out", "gs://b/run-1/x.txt", "out=gs://b/run-1/x.txt"),
    ("name", "two words", "name='two words'"),
    ("name", "it's", r"name='it\'s'"),
    ("name", "a\\", r"name='a\\'"),
    ("name", "a=b,c", "name='a=b,c'"),
    ("name", "", "name=''"),
    ("name", "true", "name='true'"),
    ("name", "10", "name='10'"),
    ("name", "1e-3", "name='1e-3'"),
    ("sizes", [1, 2.0, "x y"], "sizes=[1,2,'x y']"),
    ("opt", {"name": "adam", "lr": 0.1}, "opt={name:adam,lr:0.1}"),
    ("lr", "{{ params.lr }}", "lr={{ params.lr }}"),
    ("lr", "${params.lr}", "lr=${params.lr}"),
    ("out", "${run.dir}/x y", "out=${run.dir}/x y"),
    ("note", "{{ dag_run.conf['x'] }}-v1", "note={{ dag_run.conf['x'] }}-v1"),
]


@pytest.mark.parametrize(("name", "value", "text"), HYDRA, ids=[text for _, _, text in HYDRA])
def test_hydra_reads_overrides(name, value, text):
    assert as_arguments({name: value}, "hydra") == [text]


VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(-1e6, 1e6)
    | st.text(max_size=20)
)


@given(value=VALUES | st.lists(VALUES, max_size=3), style=st.sampled_from(sorted(STYLES)))
def test_a_reference_is_written_as_the_literal_is(value, style):
    """`args: {x: V}` and `args: {x: "${params.x}"}` with V chosen for x are the same to a program."""
    template = as_arguments({"x": "{{ params.x }}"}, style)
    program = {"args": template, "env": [{"name": "X", "value": "{{ params['x'] }}"}]}
    made = rendered(program, str, Environment(), {"params": {"x": value}}, style)  # noqa: S701
    assert made["args"] == as_arguments({"x": value}, style)
    assert made["env"] == ([] if value is None else [{"name": "X", "value": as_text(value)}])


def test_a_trial_gets_what_the_winner_of_its_sweep_hands_on():
    point = {"batch": 32.0, "layers": 4, "sched": None, "use_bn": True, "opt": {"name": "adam"}}
    pool = {"containerSpec": {"imageUri": "i"}}
    job = {"workerPoolSpecs": [pool], "baseOutputDirectory": {"outputUriPrefix": "gs://b/s"}}
    trial = for_trial(job, Trial("t", point, "t"))["workerPoolSpecs"][0]["containerSpec"]["args"]
    texts = [f"--{name}={{{{ ti.xcom_pull('s.best')['parameters']['{name}'] }}}}" for name in point]

    class Instance:
        def xcom_pull(self, _task: str) -> dict[str, object]:
            return {"parameters": json.loads(json.dumps(point))}

    found = rendered({"args": texts}, str, Environment(), {"ti": Instance()}, "gnu")  # noqa: S701
    assert found["args"] == trial


@pytest.mark.parametrize(
    "text", ["--x=a {{ params.x }}", "--x={{ a }}{{ b }}", "plain", "--x=", "{{ params.x }}"]
)
def test_what_is_more_than_one_value_stays_a_text(text):
    made = rendered({"args": [text]}, lambda t: f"<{t}>", Environment(), {"params": {}}, "gnu")  # noqa: S701
    assert made["args"] == [f"<{text}>"]


@given(value=VALUES | st.lists(VALUES, max_size=3), style=st.sampled_from(sorted(STYLES)))
def test_a_reference_without_a_name_is_written_as_the_literals_are(value, style):
    program = {"args": ["fit", "{{ params.x }}"]}
    made = rendered(program, str, Environment(), {"params": {"x": value}}, style)  # noqa: S701
    assert made["args"] == ["fit", *as_words(value if isinstance(value, list) else [value])]


def test_a_name_that_does_not_exist_is_left_to_airflow():
    made = rendered({"args": ["--x={{ nope }}"]}, lambda _: "as Airflow", Environment(), {}, "gnu")  # noqa: S701
    assert made["args"] == ["as Airflow"]


@pytest.mark.parametrize(
    ("space", "value", "written"),
    [
        ({"integerValueSpec": {"minValue": 1, "maxValue": 6}}, 4.0, 4),
        ({"integerValueSpec": {"minValue": "1", "maxValue": "6"}}, "4", 4),
        ({"discreteValueSpec": {"values": [16, 32, 64]}}, 32.0, 32),
        ({"discreteValueSpec": {"values": [0.1, 0.5]}}, 0.1, 0.1),
        ({"doubleValueSpec": {"minValue": 0, "maxValue": 9}}, 4.0, 4.0),
        ({"categoricalValueSpec": {"values": ["a"]}}, "a", "a"),
        ({}, 4.0, 4.0),
    ],
)
def test_the_values_of_a_study_come_back_as_the_spec_has_them(space, value, written):
    found = as_written(space, value)
    assert (found, type(found)) == (written, type(written))


def test_a_text_for_hydra_is_quoted_when_the_run_has_filled_it_in():
    texts = ["out=gs://b/{{ run }}/x", "note=it is {{ it }}", "plain='two words'"]

    def text(source: str) -> str:
        return source.replace("{{ run }}", "r-1").replace("{{ it }}", "o'clock")

    made = rendered({"args": texts}, text, Environment(), {}, "hydra")  # noqa: S701
    assert made["args"] == ["out=gs://b/r-1/x", r"note='it is o\'clock'", "plain='two words'"]


def test_a_value_that_json_does_not_have_is_written_as_text():
    assert as_text([date(2026, 1, 5)]) == '["2026-01-05"]'
