"""What is said around a mistake: everything that is wrong as well, and nothing that only follows."""

import pytest

from dagfactory.compiler.compile import compile_spec

FIELDS = {"project": "demo-dev", "region": "us-central1", "bucket": "gs://demo-dev"}
JOB = "type: train, module: my_team.fit"
IMAGE = '"us-docker.pkg.dev/p/r/fit:1"'
READY = f"{JOB}, image: {IMAGE}, machine: {{type: n1-standard-8}}"
KEY = "0a1b2c3d4e5f0a1b2c3d4e5f0a1b2c3d4e5f0a1b"


@pytest.fixture
def codes(tmp_path):
    def check(spec, environment="", defaults=None):
        folder = tmp_path / "specs"
        (folder / "environments").mkdir(parents=True)
        text = environment or "".join(f"{key}: {value}\n" for key, value in FIELDS.items())
        (folder / "environments/dev.yaml").write_text(f"environment: dev\n{text}")
        if defaults is not None:
            (folder / "defaults.yaml").write_text(defaults)
        path = folder / "p.yaml"
        path.write_text(f"pipeline: p\n{spec}")
        return sorted(each.code for each in compile_spec(path, "dev").diagnostics)

    return check


HOLES = {
    "a typo": f"{{{READY}, machin: {{type: x}}}}",
    "a wrong value": f"{{{READY}, retries: {{attempts: 99}}}}",
    "a wrong type": f"{{{READY}, restart: maybe}}",
    "a missing key": "{type: bash}",
    "an unknown type": "{type: trian, module: my_team.fit}",
    "no type": "{module: my_team.fit}",
    "no mapping": "train it",
    "a sweep": f"{{{READY.replace('train', 'sweep', 1)}, metrc: {{name: loss, goal: minimize}}, "
    "parameters: {rate: {values: [1, 2]}}}",
    "a gate": "{type: gate, metrics: gs://b/m.json, when: [a], then: [late]}",
    "a misspelt after": "{type: bash, command: x, aftr: [first]}",
}
USES = {
    "after": "use: {type: bash, command: x, after: [hole]}",
    "output": 'use: {type: bash, command: "echo ${tasks.hole.model_dir}"}',
    "any output": 'use: {type: bash, command: "echo ${tasks.hole.parameters.rate}"}',
    "metrics": (
        'use: {type: gate, metrics: "${tasks.hole.metrics}", when: accuracy > 0.9, then: [late]}'
    ),
    "branch": "use: {type: gate, metrics: gs://b/m.json, when: a > 1, then: hole, else: late}",
    "list": 'use: {type: bash, for_each: "${tasks.hole.uri}", command: x, env: {X: "${each}"}}',
    "teardown": "use: {type: bash, command: x, teardown: hole, after: [work]}\n"
    "  work: {type: bash, command: x, after: [hole]}",
    "model": 'use: {type: deploy, model: "${tasks.hole.model_dir}", endpoint: e, '
    "machine: {type: n1-standard-4}}",
}


@pytest.mark.parametrize("hole", HOLES)
@pytest.mark.parametrize("use", USES)
def test_who_uses_a_task_with_a_mistake_hears_nothing(hole, use, codes):
    spec = f"tasks:\n  first: {{type: empty}}\n  hole: {HOLES[hole]}\n  late: {{type: empty}}\n"
    assert len(codes(f"{spec}  {USES[use]}\n")) == 1


@pytest.mark.parametrize("hole", HOLES)
def test_a_mistake_hides_no_other(hole, codes):
    spec = f"tasks:\n  first: {{type: empty}}\n  hole: {HOLES[hole]}\n  late: {{type: empty}}\n"
    others = (
        '  key: {type: bash, command: x, env: {WANDB_API_KEY: "%s"}}\n'
        '  say: {type: bash, command: "echo ${params.nope}"}\n'
        "  lost: {type: empty, after: [frist]}\n"
        "  pooled: {type: empty, pool: gpu}\n"
        "  one: {type: empty, after: [two]}\n"
        "  two: {type: empty, after: [one]}\n"
    )
    found = codes(spec + others % KEY)
    assert len(found) == 6
    assert {"DF202", "DF205", "DF206", "DF302", "DF341"} <= set(found)


@pytest.mark.parametrize(
    "defaults",
    [
        "{retires: {attempts: 3}}",
        "{imge: x}",
        "{machine: n1-standard-8}",
        "{machine: {typ: n1-standard-8}}",
        "{machine: {type: 8}}",
        "{machine: {type: n1-standard-8, replicas: 0}}",
        "{image: 3}",
        "[image]",
    ],
)
def test_broken_defaults_are_missed_by_no_job(defaults, codes):
    jobs = f"tasks:\n  a: {{{JOB}}}\n  b: {{{JOB}, after: [a]}}\n"
    assert len(codes(f"defaults: {defaults}\n{jobs}")) == 1


@pytest.mark.parametrize(
    "params",
    [
        "{rate: {type: numbr}}",
        "{rate: {type: number, default: fast}}",
        "{rate: {type: number, minimum: 2, maximum: 1}}",
        "{rate: 3}",
        "{rate: {default: 3}}",
        "{rate: {type: number, step: 1}}",
    ],
)
def test_a_broken_param_is_declared_all_the_same(params, codes):
    tasks = 'tasks:\n  a: {type: bash, command: "echo ${params.rate}"}\n'
    gate = "  g: {type: gate, metrics: gs://b/m.json, when: a > params.rate, then: a}\n"
    assert len(codes(f"params: {params}\n{tasks}{gate}")) == 1


@pytest.mark.parametrize("key", ["project", "region", "bucket"])
@pytest.mark.parametrize("value", [None, "3", "Not Valid"])
def test_a_broken_environment_is_there_all_the_same(key, value, codes):
    fields = {name: each for name, each in FIELDS.items() if name != key}
    if value:
        fields[key] = value
    text = "".join(f"{name}: {each}\n" for name, each in fields.items())
    work = f'tasks:\n  a: {{{READY}, args: {{out: "${{run.dir}}/x"}}}}\n'
    assert len(codes(work, text)) == 1


@pytest.mark.parametrize(
    "pools",
    [
        "pools: {gpu: {slots: many}}",
        "pools: {gpu: {}}",
        "pools: {gpu: 3}",
        "pools: [gpu]",
        "pool: {gpu: {slots: 3}}",
        "pools: {gpu: {slots: 3, size: 1}}",
    ],
)
def test_a_broken_pool_is_declared_all_the_same(pools, codes):
    text = "".join(f"{key}: {value}\n" for key, value in FIELDS.items()) + f"{pools}\n"
    assert len(codes("tasks: {a: {type: empty, pool: gpu, pool_slots: 2}}", text)) == 1


@pytest.mark.parametrize(
    ("environment", "defaults"),
    [
        ("project: [", None),
        ("- a", None),
        ("", "vars: {a: ["),
        ("", "- vars"),
        ("", ""),
        ("project: p\nproject: \x00", None),
    ],
)
def test_of_an_unreadable_file_nothing_is_missed(environment, defaults, codes):
    work = 'tasks:\n  a: {type: bash, command: "${vars.a} ${env.project} ${run.dir}"}\n'
    assert len(codes(work, environment, defaults)) == 1


@pytest.mark.parametrize(
    ("spec", "environment", "defaults"),
    [
        ("vars: 3\n", "", None),
        ("vars: [a]\n", "", None),
        ("", "vars: 3\n", None),
        ("", "", "vars: [a]\n"),
        ("x: &x {a: 1}\nvars: {<<: *x}\n", "", None),
    ],
)
def test_of_variables_that_could_not_be_read_none_is_unknown(spec, environment, defaults, codes):
    text = "".join(f"{key}: {value}\n" for key, value in FIELDS.items()) + environment
    work = 'tasks:\n  a: {type: bash, command: "${vars.a}"}\n'
    assert "DF111" not in codes(spec + work, text, defaults)


def test_the_patch_of_an_unknown_environment_is_not_missed(codes):
    patch = "environments: {devel: {defaults: {image: 'i:1', machine: {type: n1-standard-8}}}}\n"
    assert codes(f"{patch}tasks: {{a: {{{JOB}}}}}\n") == ["DF110"]


TOKEN = "ghp_0123456789abcdefghijABCDEFGHIJ012345"


@pytest.mark.parametrize(
    "spec",
    [
        f"owner: {TOKEN}\nowenr: me\ntasks: {{a: {{type: emty}}}}",
        f"tags: {TOKEN}\ntasks: {{a: {{type: empty}}}}",
        f"tasks: {{a: {{type: empty, after: {TOKEN}}}}}",
        f"tasks: {{a: {{type: bash, comand: run --token {TOKEN}}}}}",
        f"tasks: {{a: {{type: emty, doc: {TOKEN}}}}}",
        f"tasks: [{TOKEN}]",
        f"tasks: {{a: {TOKEN}}}",
        f"owner: {TOKEN}",
        f"defaults: {{image: [{TOKEN}]}}\ntasks: {{a: {{type: empty}}}}",
        f"alerts: {TOKEN}\ntasks: {{}}",
    ],
)
def test_secrets_are_always_found(spec, codes):
    assert "DF302" in codes(spec)
