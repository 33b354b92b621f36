"""Checks of meaning where a report alone (tests/err) would not show the reasoning."""

import json
import re

import planted
import pytest
from paths import ROOT
from tokens import TOKENS

from dagfactory.compiler import lint
from dagfactory.compiler.compile import compile_spec
from dagfactory.diagnostics.diagnostic import CODES
from dagfactory.diagnostics.explain import sections
from dagfactory.diagnostics.redact import FAMILIES
from dagfactory.diagnostics.source import SourceFile
from dagfactory.document.load import load

FENCE = re.compile(r"^```yaml (fails)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)

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
    expected = """
        addresses arguments asset_runs branches deadlines images injection job_secrets joins limits
        machines metrics models operators packs pools restarts schedule secrets teardowns templates
    """
    assert set(expected.split()) <= set(lint.names())
    assert not [each for each in lint.names() if each.startswith("_")]


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
        ('{type: bash, after: [no_], command: report, env: {X: "${tasks.yes_.result}"}}', "DF311"),
        ('{type: bash, command: report, env: {X: "${tasks.yes_.result}"}}', None),
        (
            '{type: bash, after: [no_], trigger_rule: none_failed, command: x, cwd: "${tasks.yes_.result}"}',
            None,
        ),
    ],
)
def test_both_sides_of_a_gate(found, last, code):
    assert codes(found(f"{GATE}last: {last}")) == ([code] if code else [])


def test_a_reference_has_no_part_in_what_the_others_contradict(found):
    free = "free: {type: bash, command: echo 1}\n"
    last = 'last: {type: bash, command: x, after: [yes_, no_], env: {X: "${tasks.free.result}"}}'
    assert codes(found(f"{GATE}{free}{last}")) == ["DF304"]


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
    assert codes(found(f"{both}last: {{type: empty, after: [second, first]}}")) == ["DF314"]


def test_only_the_first_task_that_never_runs_is_reported(found):
    later = "one: {type: empty, after: [yes_, no_]}\ntwo: {type: empty, after: [one, no_]}"
    assert codes(found(GATE + later)) == ["DF304"]


BOXES = "{type: group, %stasks: {box: {type: group, tasks: {inner: "


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ("{type: empty, after: [yes_, other]}", ["DF314"]),
        ("{type: empty, after: [other, no_]}", ["DF314"]),
        ("{type: empty, after: [yes_, other], trigger_rule: all_success}", []),
        ("{type: empty, after: [yes_, other], trigger_rule: none_failed}", []),
        ("{type: empty, after: [yes_]}", []),
        ("{type: empty, after: [good, other]}", []),
        ('{type: bash, after: [other], command: report, env: {X: "${tasks.yes_.result}"}}', []),
        (
            '{type: bash, after: [yes_], command: report, env: {X: "${tasks.other.result}"}}',
            ["DF314"],
        ),
        ("{type: group, after: [yes_, other], tasks: {inner: {type: empty}}}", ["DF314"]),
        ("{type: group, tasks: {inner: {type: empty, after: [yes_, other]}}}", ["DF314"]),
        (f"{BOXES % ''}{{type: empty, after: [yes_, other]}}}}}}}}}}", ["DF314"]),
        (f"{BOXES % 'after: [yes_, other], '}{{type: empty}}}}}}}}}}", ["DF314"]),
        (f"{BOXES % 'after: [yes_], '}{{type: empty, after: [other]}}}}}}}}}}", ["DF314"]),
        (f"{BOXES % 'after: [yes_], '}{{type: empty}}}}}}}}}}", []),
    ],
)
def test_joins_of_a_side_with_what_is_outside(found, last, expected):
    other = "other: {type: bash, command: echo 1}"
    diagnostics = found(f"{GATE}{other}\nlast: {last}\nlater: {{type: empty, after: [last]}}")
    assert codes(diagnostics) == expected
    assert all(each.severity == "warning" for each in diagnostics)


EXPORT = 'export: {type: bigquery_to_gcs, source: a-b.c.d, destination: "%s"}\n'
FIXED, OF_THE_RUN = "gs://data/raw/*.jsonl", "${run.dir}/raw/*.jsonl"


@pytest.mark.parametrize(
    ("written", "task", "expected"),
    [
        (FIXED, "read: {type: bash, command: wc gs://data/raw/1.jsonl}", ["DF315"]),
        (FIXED, "read: {type: bash, command: wc gs://data/raw}", ["DF315"]),
        (FIXED, "read: {type: bash, command: wc gs://data/raw-2/1.jsonl}", []),
        (FIXED, "read: {type: bash, command: wc gs://other/data/raw}", []),
        (FIXED, "read: {type: bash, after: [export], command: wc gs://data/raw}", []),
        (FIXED, 'read: {type: bash, command: "wc ${tasks.export.uri} gs://data/raw/1"}', []),
        (FIXED, "read: {type: wait_for_gcs, prefix: gs://data/raw/}", []),
        (FIXED, "read: {type: bash, doc: gs://data/raw, command: ls}", []),
        (OF_THE_RUN, 'read: {type: bash, command: "wc ${run.dir}/raw/1.jsonl"}', ["DF315"]),
        (OF_THE_RUN, 'read: {type: bash, command: "wc ${run.dir}/rows/1.jsonl"}', []),
        (
            OF_THE_RUN,
            'box: {type: group, tasks: {read: {type: bash, command: "wc ${run.dir}/raw"}}}',
            ["DF315"],
        ),
        (
            OF_THE_RUN,
            'box: {type: group, after: [export], tasks: {read: {type: bash, command: "${run.dir}/raw"}}}',
            [],
        ),
        (
            OF_THE_RUN,
            'fit: {type: train, module: m}\nread: {type: bash, command: "ls ${run.dir}/fit/logs"}',
            ["DF315"],
        ),
        (
            OF_THE_RUN,
            """rows: {type: bigquery, query: SELECT 1, destination: a-b.c.t}
read: {type: bigquery, query: SELECT * FROM `a-b.c.t`}""",
            ["DF315"],
        ),
    ],
)
def test_addresses_of_other_tasks(found, written, task, expected):
    diagnostics = found(EXPORT % written + task)
    assert codes(diagnostics) == expected
    assert all(each.severity == "warning" for each in diagnostics)


@pytest.mark.parametrize(("written", "expected"), [(FIXED, []), (OF_THE_RUN, ["DF315"])])
def test_what_is_read_before_it_is_written_is_of_another_run_or_a_mistake(found, written, expected):
    folder = written.rpartition("/")[0]
    task = f'read: {{type: bash, command: "ls {folder}"}}\n' + EXPORT % written
    assert (
        codes(
            found(task.replace("type: bigquery_to_gcs,", "type: bigquery_to_gcs, after: [read],"))
        )
        == expected
    )


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


def test_every_family_of_tokens_has_an_example():
    assert list(TOKENS) == list(FAMILIES)
    assert len(FAMILIES) >= 40


@pytest.mark.parametrize("family", TOKENS)
def test_a_token_is_called_what_it_is(found, family):
    for example in TOKENS[family]:
        (diagnostic,) = found(f"fit: {{type: bash, command: \"echo '{example}'\"}}")
        assert diagnostic.message == f"this looks like {family}"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("curl --token=hunter-2222 https://example.com", ["DF302"]),
        ("mysql --password 'hunter-2222'", ["DF302"]),
        ("export WANDB_API_KEY=hunter-2222 && ./fit", ["DF302"]),
        ("DB_PASSWORD=hunter-2222 ./fit", ["DF302"]),
        ("curl --token=$TOKEN_2 https://example.com", []),
        ("curl --token {{ var.value.token2 }} https://example.com", []),
        ("gcloud secrets versions access latest --secret=wandb-api-key-2", []),
        ("./fit --max-tokens 1000000000 --token-file=/run/secrets/token1", []),
        ("./fit --tokenizer=bert-base-2 --token --verbose-level-2", []),
        ("docker login --password-stdin registry-2.example.com", []),
    ],
)
def test_secrets_in_commands(found, command, expected):
    assert codes(found(f'fit: {{type: bash, command: "{command}"}}')) == expected


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
    *(f"X: '{example}'" for examples in TOKENS.values() for example in examples),
    "DB_PASSWORD: hunter-22",
    "dbPassword: hunter-22",
    "WANDB_API_KEY: 0a1b2c3d4e5f0a1b2c3d4e5f0a1b2c3d4e5f0a1b",
    "X: qL9xT2vB7nZ4kW8sD1fG5hJ3mP6rC0aE",
]
NAMES = {
    "secrets: {A: wandb-api-key, B: projects/p/secrets/s/versions/3}": [],
    "secrets: {KEY: my-team-wandb-api-key-of-production-2026}": [],
    "secrets: {KEY: 0a1b2c3d4e5f0a1b2c3d4e5f0a1b2c3d4e5f0a1b}": ["DF302"],
    "alerts: {on_retry: [{slack: {connection: slack_of_the_ml_team_in_production}}]}": [],
    "alerts: {on_retry: [{slack: {connection: qL9xT2vB7nZ4kW8sD1fG5hJ3mP6rC0aE}}]}": ["DF302"],
    "alerts: {on_retry: [{slack: {connection: xoxb-1234567890-abcdef}}]}": ["DF302"],
}
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


@pytest.mark.parametrize(("line", "expected"), NAMES.items())
def test_a_value_where_a_name_belongs(found, line, expected):
    diagnostics = found(f"fit: {{type: train, module: m, {line}}}")
    assert codes(diagnostics) == expected
    assert all(each.hidden for each in diagnostics)


@pytest.mark.parametrize(
    "task",
    [
        "{type: trigger_dag, dag: other, conf: {api_key: hunter-22}}",
        "{type: operator, operator: a.b.C, args: {deep: {token: hunter-22}}}",
        "{type: kubernetes, image: 'i:1', pod: {x: {password: hunter-22}}}",
        "{type: kubernetes, image: 'i:1', annotations: {api-key: hunter-22}}",
        "{type: upload_model, artifact: 'gs://b-1/m', serving: {image: 'i:1', env: {TOKEN: hunter-22}}}",
    ],
)
def test_a_secret_in_parameters(found, task):
    assert "DF302" in codes(found(f"it: {task}"))


def test_a_task_may_be_called_secrets(found):
    value = "0a1b2c3d4e5f0a1b2c3d4e5f0a1b2c3d4e5f0a1b"
    assert codes(found(f"secrets: {{type: bash, command: {value}}}")) == []


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
        ("{type: c9-future-96}", ["DF343"]),
        ("{type: n1-standard-3}", ["DF343"]),
        ("{type: g2-standard-5}", ["DF343"]),
        ("{type: a3-megagpu-8g, fallback: [{region: us-south1}]}", ["DF307"]),
        ("{type: a2-highgpu-1g, fallback: [{region: mars-north1}]}", []),
        ("{type: n1-standard-8, accelerator: {type: T4}}", ["DF308"]),
    ],
)
def test_machines(found, machine, expected):
    assert codes(found(f"fit: {{type: train, restart: true, machine: {machine}}}")) == expected


@pytest.mark.parametrize(
    ("cron", "never"),
    [
        ("0 0 31 2 *", True),
        ("0 0 30 feb *", True),
        ("0 0 29 2 *", False),
        ("0 0 31 2,3 *", False),
        ("0 0 31 2-4/2 *", True),
        ("0 0 31 2 1", True),
        ("0 0 */30 2 *", False),
        ("0 0 31 */1 *", False),
        ("0 0 30/1 2 *", True),
        ("0 0 31W 2 *", False),
        ("0 0 L 2 *", False),
        ("0 0 15 * 1#1", True),
        ("0 0 29 2 * 0 2027", True),
        ("0 0 * * 1#5", False),
        ("@quarterly", False),
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
        ("machine: {type: g2-standard-8, provisioning: spot}, retries: {attempts: 5}", ["DF316"]),
        (
            "machine: {type: g2-standard-8, provisioning: spot}, restart: true, retries: {attempts: 6}",
            ["DF306"],
        ),
        (
            "machine: {type: g2-standard-8, fallback: [{provisioning: spot}]}, retries: {attempts: 6}",
            ["DF306", "DF316"],
        ),
    ],
)
def test_restarts(found, task, expected):
    assert sorted(codes(found(f"fit: {{type: train, module: m, {task}}}"))) == expected


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("type: train, module: my.fit", ["DF316"]),
        ("type: train, module: my.fit, args: {epochs: 3}", ["DF316"]),
        ("type: train, module: my.fit, args: {init: '${tasks.old.checkpoint}'}", ["DF316"]),
        ("type: train, command: [python, fit.py]", ["DF316"]),
        ("type: train", ["DF316"]),
        ("type: train, module: trainer, command: null, args: {textures: sort-of-clevr}", []),
        ("type: train, module: my.fit, args: {ckpt_dir: /gcs/b/c}", []),
        ("type: train, module: my.fit, args: {out: '${run.dir}/checkpoints'}", []),
        ("type: train, command: [sh, -c, 'fit --to $AIP_CHECKPOINT_DIR']", []),
        ("type: train, module: my.fit, env: {RESUME: auto}", []),
        ("type: train, module: my.fit, restart: true", []),
        ("type: evaluate, module: my.measure, model: 'gs://b/m'", []),
    ],
)
def test_spot_jobs_that_would_start_over(found, task, expected):
    old = "old: {type: train, module: trainer, args: {textures: sort-of-clevr}}"
    spot = "machine: {type: g2-standard-8, provisioning: spot}"
    assert codes(found(f"{old}\nfit: {{{spot}, {task}}}")) == expected


def test_too_many_labels(found):
    labels = ", ".join(f"l{number}: x" for number in range(61))
    (diagnostic,) = found(f"fit: {{type: train, module: m, labels: {{{labels}}}}}")
    assert diagnostic.code == "DF312"
    assert diagnostic.message.startswith("65 labels")


def test_the_projects_own_specs_are_clean():
    specs = ROOT / "specs"
    from dagfactory.compiler.check import check_specs
    from dagfactory.project.specs import find_specs

    assert check_specs(find_specs([specs]), None).diagnostics == ()


def nested(text):
    """Return an example's document with all its tasks in a group."""
    data = load(SourceFile("x", text))[0].plain()
    return data | {"tasks": {"box": {"type": "group", "tasks": data["tasks"]}}}


def patched(text):
    """Return an example's document with all but its name written by the patch of `dev`."""
    data = load(SourceFile("x", text))[0].plain()
    own = {"pipeline": data.pop("pipeline"), "tasks": {"idle": {"type": "empty"}}}
    return own | {"environments": {"dev": data}}


# about the pipeline itself, and about two environments
OTHERS = {"DF310", "DF353"}
OF_TASKS = sorted(code for code in CODES if "DF301" <= code <= "DF399" and code not in OTHERS)


@pytest.mark.parametrize("turned", [nested, patched])
@pytest.mark.parametrize("code", OF_TASKS)
def test_every_check_looks_into_groups_and_patches(tmp_path, code, turned):
    options, text = FENCE.findall(sections()[code])[0][1:]
    (tmp_path / "environments").mkdir()
    line = "target: airflow2\n" if options == "airflow2" else ""
    (tmp_path / "environments/dev.yaml").write_text(ENVIRONMENT + line)
    if options == "code":
        planted.write_code(tmp_path)
    spec = tmp_path / "spec.yaml"
    spec.write_text(json.dumps(turned(text)))
    assert set(codes(compile_spec(spec, None if options == "bare" else "dev").diagnostics)) == {
        code
    }


OPERATORS = {
    "airflow.providers.standard.operators.bash.BashOperatorr": ["DF360"],
    "airflow.providers.google.cloud.operators.vertex_ai.custom_job.NoSuchOperator": ["DF360"],
    "airflow.providers.cncf.kubernetes.operators.kubernetes_pod.KubernetesPodOperator": ["DF361"],
    "airflow.contrib.operators.bigquery_operator.BigQueryOperator": ["DF361"],
    "airflow.operators.empty.EmptyOperator": [],
    "airflow.providers.amazon.aws.operators.s3.S3CopyObjectOperator": [],
    "my_team.operators.Foo": [],
}


@pytest.mark.parametrize(("path", "expected"), OPERATORS.items())
def test_operators_that_are_not_there(found, path, expected):
    assert codes(found(f"it: {{type: operator, operator: {path}}}")) == expected


def test_airflows_own_modules_are_compared_within_one_line(found, tmp_path):
    line = "it: {type: operator, operator: airflow.operators.dummy_operator.DummyOperator}"
    assert codes(found(line)) == ["DF361"]
    environment = tmp_path / "specs" / "environments" / "dev.yaml"
    environment.write_text(f"{ENVIRONMENT}target: airflow2\n")
    assert codes(found(line)) == []
