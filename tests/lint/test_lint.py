"""Checks of meaning where a report alone (tests/err) would not show the reasoning."""

from pathlib import Path

import pytest

from dagfactory import lint
from dagfactory.compile import compile_spec

ENVIRONMENT = "environment: dev\nproject: demo-dev\nregion: us-central1\nbucket: gs://demo-dev\n"
HEAD = """\
pipeline: p
defaults: {image: "us-docker.pkg.dev/p/r/fit:1", machine: {type: n1-standard-8}}
tasks:
"""


@pytest.fixture
def found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "specs"
    (folder / "environments").mkdir(parents=True)
    (folder / "environments" / "dev.yaml").write_text(ENVIRONMENT)

    def check(tasks, head=HEAD):
        lines = "".join(f"  {line}\n" for line in tasks.strip().splitlines())
        (folder / "spec.yaml").write_text(head + lines)
        return compile_spec(folder / "spec.yaml", "dev").diagnostics

    return check


def codes(diagnostics):
    return [each.code for each in diagnostics]


def test_checks_are_found_by_listing_the_package():
    expected = "arguments branches images limits machines metrics packs restarts schedule secrets"
    assert lint.names() == expected.split()


GATE = """
good: {type: gate, metrics: "gs://b/m.json", when: loss < 1, then: [yes_], else: [no_]}
yes_: {type: bash, command: echo 1}
no_: {type: empty}
"""


@pytest.mark.parametrize(
    ("last", "code"),
    [
        ("{type: empty, after: [yes_, no_]}", "DF304"),
        ("{type: empty, after: [yes_, no_], trigger_rule: none_skipped}", "DF304"),
        ("{type: empty, after: [yes_, no_], trigger_rule: all_done}", None),
        ("{type: empty, after: [yes_, no_], trigger_rule: one_success}", None),
        ("{type: empty, after: [yes_]}", None),
        ("{type: empty, after: [good, no_]}", "DF304"),
        ("{type: empty, after: [good, yes_]}", None),
        ('{type: bash, after: [no_], command: "${tasks.yes_.result}"}', "DF311"),
        ('{type: bash, command: "${tasks.yes_.result}"}', None),
        (
            '{type: bash, after: [no_], trigger_rule: none_failed, command: "${tasks.yes_.result}"}',
            None,
        ),
    ],
)
def test_both_sides_of_a_gate(found, last, code):
    assert codes(found(f"{GATE}last: {last}")) == ([code] if code else [])


def test_sides_travel_through_groups_and_other_gates(found):
    both = """
outer: {type: gate, metrics: "gs://b/m.json", when: loss < 1, then: [box], else: [stop]}
box:
  type: group
  tasks:
    first: {type: empty}
    inner: {type: gate, metrics: "gs://b/n.json", when: loss < 1, after: [first], then: [second]}
    second: {type: empty}
stop: {type: empty}
"""
    assert codes(found(f"{both}last: {{type: empty, after: [second, stop]}}")) == ["DF304"]
    assert codes(found(f"{both}last: {{type: empty, after: [second, first]}}")) == []


def test_only_the_first_task_that_never_runs_is_reported(found):
    later = "one: {type: empty, after: [yes_, no_]}\ntwo: {type: empty, after: [one, no_]}"
    assert codes(found(GATE + later)) == ["DF304"]


@pytest.mark.parametrize(
    ("image", "moves"),
    [
        ("us-docker.pkg.dev/p/r/fit:1.0", False),
        ("us-docker.pkg.dev/p/r/fit:latest", True),
        ("us-docker.pkg.dev/p/r/fit", True),
        ("localhost:5000/fit", True),
        ("localhost:5000/fit:2", False),
        ("fit@sha256:" + 64 * "0", False),
        ("fit:latest@sha256:" + 64 * "0", False),
        ("{{ var.value.image }}", False),
        ("europe-docker.pkg.dev/vertex-ai/training/pytorch-gpu.2-4.py310:latest", False),
        ("us-docker.pkg.dev/vertex-ai/serving/x:latest", True),
    ],
)
def test_images(found, image, moves):
    diagnostics = found(f'fit: {{type: train, module: m, image: "{image}"}}')
    assert codes(diagnostics) == (["DF301"] if moves else [])
    assert all(each.severity == "warning" for each in diagnostics)


HARMLESS = [
    "TOKENIZER: bert-base-uncased",
    'MAX_TOKENS: "12000"',
    "SECRET_NAME: projects/p/secrets/key/versions/1",
    'CLIENT_SECRET: "${params.secret}"',
    'API_KEY: ""',
    "REVISION: 3f786850e387550fdab836ed7e6dc881de23001b",
    "RUN: arr-coc-production-2026-weekly-retraining-v2",
    "NAME: MyVeryLongExperimentNameWithVersion2",
    "URI: gs://bucket/a/b/c/d/e/0a1b2c3d4e5f0a1b2c3d4e5f",
    "ID: 123e4567-e89b-12d3-a456-426614174000",
    "PROXY: http://proxy.example.com:8080",
]
SECRET = [
    "X: AIza" + 35 * "a",
    "X: ghp_" + 36 * "b",
    "X: hf_" + 34 * "c",
    "X: sk-" + 40 * "d",
    "X: xoxb-1234567890-abcdef",
    "X: '-----BEGIN RSA PRIVATE KEY-----'",
    "X: https://user:hunter22@example.com",
    "DB_PASSWORD: hunter-22",
    "dbPassword: hunter-22",
    "WANDB_API_KEY: 0a1b2c3d4e5f0a1b2c3d4e5f0a1b2c3d4e5f0a1b",
    "X: qL9xT2vB7nZ4kW8sD1fG5hJ3mP6rC0aE",
]
PARAMS = HEAD.replace("tasks:", "params: {secret: {type: string}}\ntasks:")


@pytest.mark.parametrize("line", HARMLESS)
def test_what_is_no_secret(found, line):
    assert codes(found(f"fit: {{type: bash, command: ls, env: {{{line}}}}}", PARAMS)) == []


@pytest.mark.parametrize("line", SECRET)
def test_what_looks_like_a_secret(found, line):
    (diagnostic,) = found(f"fit: {{type: train, module: m, env: {{{line}}}}}")
    assert diagnostic.code == "DF302"
    assert diagnostic.hidden
    value = line.partition(": ")[2].strip("'")
    assert value not in " ".join([diagnostic.message, diagnostic.help or "", *diagnostic.notes])


def test_a_secret_brought_in_by_a_variable_is_found_where_it_is_used(found):
    head = HEAD.replace("tasks:", "vars: {key: hunter-22}\ntasks:")
    (diagnostic,) = found('fit: {type: bash, command: ls, env: {API_KEY: "${vars.key}"}}', head)
    assert (diagnostic.code, diagnostic.hidden, diagnostic.span.line) == ("DF302", False, 5)


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        ("{type: a3-highgpu-1g, provisioning: spot}", []),
        ("{type: a3-highgpu-1g}", ["DF309"]),
        ("{type: a3-highgpu-8g}", []),
        ("{type: c9-future-96}", []),
        ("{type: n1-standard-3}", []),
        ("{type: g2-standard-5}", ["DF307"]),
        ("{type: a3-megagpu-8g, fallback: [{region: us-east4}]}", ["DF307"]),
        ("{type: a2-highgpu-1g, fallback: [{region: mars-north1}]}", []),
        ("{type: n1-standard-8, accelerator: {type: T4}}", ["DF308"]),
    ],
)
def test_machines(found, machine, expected):
    assert codes(found(f"fit: {{type: train, module: m, machine: {machine}}}")) == expected


@pytest.mark.parametrize(
    ("cron", "never"),
    [
        ("0 0 31 2 *", True),
        ("0 0 30 feb *", True),
        ("0 0 29 2 *", False),
        ("0 0 31 2,3 *", False),
        ("0 0 31 2-4/2 *", True),
        ("0 0 31 2 1", False),
        ("0 0 */30 2 *", False),
        ("0 0 31 */1 *", False),
        ("0 0 30/1 2 *", True),
    ],
)
def test_schedules(found, cron, never):
    head = HEAD.replace("tasks:", f'schedule: "{cron}"\nstart_date: 2020-01-01\ntasks:')
    assert codes(found("a: {type: empty}", head)) == (["DF310"] if never else [])


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("machine: {type: g2-standard-8, provisioning: spot}, restart: false", ["DF305"]),
        ("machine: {type: g2-standard-8}, restart: false, retries: {attempts: 9}", []),
        ("machine: {type: g2-standard-8, provisioning: flex_start}, restart: false", []),
        ("machine: {type: g2-standard-8, provisioning: spot}, retries: {attempts: 5}", []),
        ("machine: {type: g2-standard-8, provisioning: spot}, retries: {attempts: 6}", ["DF306"]),
        (
            "machine: {type: g2-standard-8, fallback: [{provisioning: spot}]}, retries: {attempts: 6}",
            ["DF306"],
        ),
    ],
)
def test_restarts(found, task, expected):
    assert codes(found(f"fit: {{type: train, module: m, {task}}}")) == expected


def test_too_many_labels(found):
    labels = ", ".join(f"l{number}: x" for number in range(61))
    (diagnostic,) = found(f"fit: {{type: train, module: m, labels: {{{labels}}}}}")
    assert diagnostic.code == "DF312"
    assert diagnostic.message.startswith("65 labels")


def test_the_projects_own_specs_are_clean():
    specs = Path(__file__).parents[2] / "specs"
    from dagfactory.frontend import find_specs
    from dagfactory.survey import survey

    assert survey(find_specs([specs]), None).diagnostics == ()
