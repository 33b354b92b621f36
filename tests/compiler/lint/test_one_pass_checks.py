# ruff: noqa: RUF001 - curly quotes are what is tested
"""Delays, curly quotes, values, labels and lists of times: what is found, and what stays silent."""

import pytest

from dagfactory.compiler.compile import compile_spec

HEAD = "pipeline: p\nstart_date: 2026-01-05\n"
JOB = 'module: m, image: "i:1", machine: {type: n1-standard-4}'
SWEEP = f"{{type: sweep, {JOB}, metric: {{name: loss, goal: minimize}}, "


@pytest.fixture
def found(tmp_path):
    def check(body):
        folder = tmp_path / "specs"
        (folder / "environments").mkdir(parents=True)
        (folder / "environments/dev.yaml").write_text(
            "environment: dev\nproject: demo-dev\nregion: us-central1\nbucket: gs://demo-dev\n"
        )
        (folder / "p.yaml").write_text(HEAD + body, encoding="utf-8")
        return compile_spec(folder / "p.yaml", "dev").diagnostics

    return check


@pytest.fixture
def codes(found):
    return lambda body: [each.code for each in found(body)]


CANARY = "tasks:\n  canary: {type: bash, command: x}\n"
BEHIND = {
    **{
        f"after a task, {delay}": f"  w: {{type: wait_until, delay: {delay}, after: [canary]}}\n"
        for delay in ("1s", "90s", "10m", "2h", "1h30m", "1d", "7d")
    },
    **{
        f"with {key}": f"  w: {{type: wait_until, delay: 2h, after: [canary], {key}}}\n"
        for key in ("trigger_rule: all_done", "doc: x", "timeout: 3h", "outlets: [x]", "queue: q")
    },
    "in a group after a task": "  box:\n    type: group\n    after: [canary]\n    tasks:\n"
    "      w: {type: wait_until, delay: 2h}\n",
    "in a group in a group": "  box:\n    type: group\n    after: [canary]\n    tasks:\n"
    "      inner:\n        type: group\n        tasks:\n"
    "          w: {type: wait_until, delay: 2h}\n",
    "after a task in its group": "  box:\n    type: group\n    tasks:\n"
    "      one: {type: empty}\n      w: {type: wait_until, delay: 2h, after: [one]}\n",
    "after a group": "  box:\n    type: group\n    tasks: {one: {type: empty}}\n"
    "  w: {type: wait_until, delay: 2h, after: [box]}\n",
    "behind a gate": "  g: {type: gate, metrics: gs://b/m.json, when: a > 1, then: w}\n"
    "  w: {type: wait_until, delay: 2h}\n",
    "on the other side": "  g: {type: gate, metrics: gs://b/m.json, when: a > 1, then: x, else: w}\n"
    "  w: {type: wait_until, delay: 2h}\n  x: {type: empty}\n",
    "by a reference": '  w: {type: wait_until, delay: 2h, doc: "x"}\n'
    "  z: {type: empty, after: [w]}\n".replace("z:", "z_:").replace("[w]", "[canary]")
    + "  v: {type: wait_until, delay: 1h, after: [w]}\n",
    "one of two": "  w: {type: wait_until, delay: 2h, after: [canary]}\n"
    "  v: {type: wait_until, delay: 2h}\n",
}


@pytest.mark.parametrize("name", BEHIND)
def test_a_delay_behind_a_task_says_from_when_it_counts(name, codes):
    assert codes(CANARY + BEHIND[name]) == ["DF332"]


@pytest.mark.parametrize("name", BEHIND)
@pytest.mark.parametrize("moment", ["start", "due"])
def test_who_says_it_hears_nothing(name, moment, codes):
    said = BEHIND[name].replace("wait_until, delay", f"wait_until, from: {moment}, delay")
    assert codes(CANARY + said) == []


@pytest.mark.parametrize(
    "task",
    [
        "{type: wait_until, delay: 2h}",
        '{type: wait_until, time: "06:30", after: [canary]}',
        '{type: wait_until, at: "2026-01-05T06:30+01:00", after: [canary]}',
        "{type: bash, command: x, after: [canary]}",
    ],
)
def test_other_waits_mean_one_thing(task, codes):
    assert codes(f"{CANARY}  w: {task}\n") == []


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ('time: "06:30", from: start', "DF123"),
        ("from: start", "DF121"),
        ("delay: 2h, from: begin", "DF124"),
        ("delay: 2h, form: start", "DF120"),
    ],
)
def test_from_goes_with_a_delay(keys, code, codes):
    assert codes(f"tasks:\n  w: {{type: wait_until, {keys}}}\n") == [code]


CURLY = [
    "echo “good morning”",
    "echo ‘good morning’",
    "python t.py --name=“x”",
    "python t.py --name=‘x’",
    "grep “a b” file.txt",
    "echo “a",
    "echo a”",
    "echo it’s “so”",
    "echo ‘",
    'echo "fine" “not”',
    "echo 'fine' ‘not’",
    "a && b “c”",
    "export A=“b”; run",
    "sed s/“/x/ f",
    "find . -name “*.py”",
    "psql -c “SELECT 1”",
    "curl -H “X: y” https://example.com",
    "awk ‘{print $1}’ f",
    "printf “%s” a",
    "docker run “image”",
    "bash -c “x”",
]


@pytest.mark.parametrize("command", CURLY)
def test_a_curly_quote_is_a_letter_to_the_shell(command, found):
    (one,) = found(f"tasks:\n  a:\n    type: bash\n    command: |\n      {command}\n")
    assert (one.code, one.severity) == ("DF333", "warning")


@pytest.mark.parametrize("command", CURLY)
def test_with_straight_quotes_it_stays_silent(command, codes):
    straight = command.translate(str.maketrans("“”‘’", "\"\"''"))
    assert codes(f"tasks:\n  a:\n    type: bash\n    command: |\n      {straight}\n") == []


@pytest.mark.parametrize(
    "task",
    [
        "{type: bash, command: \"echo 'it’s fine'\"}",
        "{type: bash, command: 'echo \"he said “no”\"'}",
        "{type: bash, command: echo it’s}",
        "{type: bash, command: ls students’ work}",
        f"{{type: train, {JOB.replace('module: m, ', '')}, command: [run, it’s]}}",
        f"{{type: train, {JOB.replace('module: m, ', '')}, command: [run, say “hi” to]}}",
        "{type: bash, command: x, doc: the “best” model}",
        "{type: empty, doc: it’s nothing}",
        "{type: bash, command: x, env: {GREETING: “hello”}}",
    ],
)
def test_a_curly_quote_in_a_text_is_meant(task, codes):
    assert codes(f"tasks:\n  a: {task}\n") == []


@pytest.mark.parametrize("word", ["[python, t.py, “x”]", "[run, --a=“it’s”]", "[sh, -c, ‘x’]"])
def test_lists_of_words_are_commands_too(word, codes):
    task = f'{{type: train, image: "i:1", machine: {{type: n1-standard-4}}, command: {word}}}'
    assert codes(f"tasks:\n  a: {task}\n") == ["DF333"]


TWICE = [
    *('[1, "1"]', '["1", 1]', '[1, 2, "2"]', '[0, "0"]', '[-1, "-1"]', '[16, 32, "16"]'),
    *('[true, "true"]', '[false, "false"]', '["true", true, false]', '[0.5, "0.5"]'),
    *('[0.1, 0.2, "0.1"]', '[1.5, "1.5", 2]', '["3", 3, 4]', '[100, "100"]', '[7, 8, 9, "8"]'),
    *('["a", 5, "5"]', '[null, 1, "1"]', '["false", false]', '[12, "12"]', '[2.25, "2.25"]'),
]


@pytest.mark.parametrize("values", TWICE)
def test_values_of_one_argument_are_one_trial_twice(values, codes):
    assert codes(f"tasks:\n  s: {SWEEP}parameters: {{x: {{values: {values}}}}}}}\n") == ["DF219"]


@pytest.mark.parametrize(
    "values",
    [
        *("[1, 2]", '["1", "2"]', '[1, "01"]', '[true, "yes"]', "[true, false]", '[null, "null"]'),
        *('[0.5, "0.50"]', '["a", "b"]', '["a", "A"]', "[0, 1, 2]", '[1, "1.5"]', '[10, "1"]'),
        *("[adam, sgd]", '[" 1", 1]', "[1]", "[null, 1]", "[0.1, 0.01]", '["", 0]', "[-1, 1]"),
        '[16, "sixteen"]',
    ],
)
def test_other_values_are_other_trials(values, codes):
    assert codes(f"tasks:\n  s: {SWEEP}parameters: {{x: {{values: {values}}}}}}}\n") == []


LABELS = {
    "Vision": "vision",
    "VISION": "vision",
    "Team Vision": "team_vision",
    "ml.team": "ml_team",
    "a/b": "a_b",
    "cost:center": "cost_center",
    "Größe": "gr_e",
    "v1.2.3": "v1_2_3",
    " vision": "vision",
    "vision!": "vision",
    "R&D": "r_d",
    "me@example.com": "me_example_com",
    "A": "a",
    "mlTeam": "mlteam",
    "Vision-2": "vision-2",
    "a  b": "a_b",
    "(x)": "x",
    "2026/01": "2026_01",
    "EU,US": "eu_us",
    "X" * 70: "x" * 63,
}


@pytest.mark.parametrize("text", LABELS)
@pytest.mark.parametrize("on_key", [True, False])
def test_the_help_writes_the_label_made_valid(text, on_key, found):
    labels = f'{{"{text}": a}}' if on_key else f'{{team: "{text}"}}'
    (one,) = found(f"tasks:\n  a: {{type: train, {JOB}, labels: {labels}}}\n")
    assert one.code == "DF123"
    assert one.help.startswith(f"write `{LABELS[text]}`; ")


@pytest.mark.parametrize("text", [*LABELS.values(), "${vars.a}x", "{{ ds }}", "a-b_c9"])
def test_valid_labels_stay_silent(text, codes):
    task = f'{{type: train, {JOB}, labels: {{team: "{text}"}}}}'
    assert codes(f"vars: {{a: b}}\ntasks:\n  a: {task}\n") == []


def test_of_a_label_without_any_letter_nothing_is_proposed(found):
    (one,) = found(f'tasks:\n  a: {{type: train, {JOB}, labels: {{team: "!!!"}}}}\n')
    assert one.help == "use at most 63 of a-z, 0-9, `_` and `-`"


TIMES = {
    '["0 3 * * *", "0 15 * * *"]': '"0 3,15 * * *"',
    '["0 3 * * *", "30 3 * * *"]': '"0,30 3 * * *"',
    '["0 3 * * 1", "0 3 * * 4"]': '"0 3 * * 1,4"',
    '["0 3 * * mon", "0 3 * * thu"]': '"0 3 * * mon,thu"',
    '["0 3 1 * *", "0 3 15 * *"]': '"0 3 1,15 * *"',
    '["0 0 1 1 *", "0 0 1 7 *"]': '"0 0 1 1,7 *"',
    '["0 1 * * *", "0 2 * * *", "0 3 * * *"]': '"0 1,2,3 * * *"',
    '["0 3 * * *"]': '"0 3 * * *"',
    '["0 3 * * *", "0 3 * * *"]': '"0 3 * * *"',
    '["0 1-3 * * *", "0 9 * * *"]': '"0 1-3,9 * * *"',
    '["*/5 3 * * *", "*/5 4 * * *"]': '"*/5 3,4 * * *"',
    '["0 3 * * 1", "0 4 * * 2"]': "two pipelines",
    '["0 3 * * *", "@daily"]': "two pipelines",
    '["@daily", "@weekly"]': "two pipelines",
    '["@daily"]': "two pipelines",
    '["@hourly", "0 3 * * *"]': "two pipelines",
    '["@nightly", "@daily"]': "two pipelines",
    '["0 25 * * *", "0 3 * * *"]': "two pipelines",
    '["0 25 * * *", "0 26 * * *"]': "two pipelines",
    '["0 3 * * 1", "gs://b/x"]': "two pipelines",
    '["0 0 3 * * 1", "0 0 4 * * 1"]': "two pipelines",
}


@pytest.mark.parametrize("text", TIMES)
def test_a_list_of_times_says_what_is_possible(text, found):
    (one,) = found(f"schedule: {text}\ntasks: {{a: {{type: empty}}}}\n")
    assert one.code == "DF123"
    assert TIMES[text] in one.help
    assert "asset" not in one.help


@pytest.mark.parametrize("text", [each for each in TIMES.values() if each[0] == '"'])
def test_one_text_for_all_of_them_is_a_schedule(text, codes):
    assert codes(f"schedule: {text}\ntasks: {{a: {{type: empty}}}}\n") == []


@pytest.mark.parametrize("text", ["[a, b]", "[gs://b/x]", '["two words", x]', "[images]"])
def test_a_list_of_names_is_one_of_assets(text, found):
    (one,) = found(f"schedule: {text}\ntasks: {{a: {{type: empty}}}}\n")
    assert (one.code, "assets" in one.message) == ("DF122", True)
