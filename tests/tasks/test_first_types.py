"""The first task types: shell, functions, any operator, groups, jobs, sweeps, registry, endpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dagfactory.compiler.compile import compile_spec
from dagfactory.compiler.lower.dag import lower
from dagfactory.dagfile.model import Group, Indices

JOB = "image: x:1\nmachine: {type: n1-standard-4}\n"
SWEEP = f"type: sweep\nmodule: own\n{JOB}metric: {{name: loss, goal: minimize}}\n"
RUN = "gs://demo-ml/runs/demo/{{ run_id }}"


def test_bash(lowered):
    made = lowered("type: bash\ncommand: run.sh\nenv: {A: b}\ncwd: /tmp")
    assert made.symbol.name == "BashOperator"
    assert made.arguments == {
        "task_id": "it",
        "bash_command": "run.sh ",  # without the space Airflow would look for a template file
        "env": {"A": "b"},
        "append_env": True,
        "cwd": "/tmp",
    }


def test_empty(lowered):
    assert lowered("type: empty").arguments == {"task_id": "it"}


def test_python(lowered):
    made = lowered("type: python\ncallable: a.b.c\nargs: {x: [1, {y: null}]}")
    assert made.symbol.name == "CallOperator"
    assert made.arguments["function"] == "a.b.c"
    assert made.arguments["arguments"] == {"x": [1, {"y": None}]}
    assert "arguments" not in lowered("type: python\ncallable: a.b").arguments


def test_operator(lowered):
    body = 'type: operator\noperator: a.b.Op\nargs: {x: 1, y: "${tasks.before.result}"}\npool: p'
    made = lowered(body)
    assert (made.symbol.module, made.symbol.name) == ("a.b", "Op")
    pulled = "{{ ti.xcom_pull(task_ids='before') }}"
    assert made.arguments == {"task_id": "it", "x": 1, "y": pulled, "pool": "p"}
    lazy = lowered(body + "\nlazy: true")
    assert lazy.symbol.name == "LazyOperator"
    assert lazy.arguments["operator"] == "a.b.Op"
    assert lazy.arguments["arguments"] == {"x": 1, "y": pulled}


OPERATOR = "type: operator\noperator: a.b.Op\nargs: "


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ("{lambda: 1}", "`lambda` is not the name of an argument"),
        ("{x y: 1}", "`x y` is not the name of an argument"),
        ("{execution_timeout: 5}", "`execution_timeout` cannot be set here"),
        ("{retry_delay: 5}", "`retry_delay` cannot be set here"),
        ("{doc_md: x}", "`doc_md` cannot be set here"),
    ],
)
def test_arguments_that_an_operator_cannot_be_given(faults, args, message):
    assert faults(OPERATOR + args) == [("DF212", message)]


@pytest.mark.parametrize("path", ["Op", "a.class.Op", "a.import", "a..b", "a.b-c", "a.Ü"])
def test_paths_that_nothing_can_be_imported_from(faults, path):
    for key in ("type: operator\noperator", "type: python\ncallable"):
        assert faults(f"{key}: {path}") == [("DF123", f"`{path}` is not a dotted path")]


def test_a_group_has_no_keys_of_a_task(faults):
    body = (
        "type: group\nretries: {attempts: 1}\ntimeout: 1h\npool: p\npool_slots: 1\nqueue: q\n"
        "priority: 1\ntrigger_rule: all_done\ndoc: A box.\ntasks: {a: {type: empty}}"
    )
    found = faults(body)
    assert [code for code, _ in found] == ["DF214"] * 7
    assert all(message.endswith("has no effect on a group") for _, message in found)


def test_train(lowered):
    made = lowered(
        f"type: train\n{JOB}module: own\nargs: {{n: null, b: true, l: [1, 2], f: 1e-4}}\n"
        "env: {A: b}\nsecrets: {W: wandb}\nlabels: {x: y}\nrestart: false\npoll: 10s\ntimeout: 1h\n"
    )
    pool = made.arguments["job"]["workerPoolSpecs"][0]["containerSpec"]
    assert pool["command"] == ["python", "-m", "own"]
    assert pool["args"] == ["--b=true", "--l=[1,2]", "--f=0.0001"]
    assert [each["name"] for each in pool["env"]] == ["A", "DAGFACTORY_SECRETS"]
    assert "projects/demo-project/secrets/wandb/versions/latest" in pool["env"][1]["value"]
    assert made.arguments["job"]["scheduling"] == {
        "strategy": "STANDARD",
        "timeout": "3600s",
        "restartJobOnWorkerRestart": False,
    }
    assert made.arguments["labels"] == {"team": "ml", "x": "y"}
    assert (made.arguments["poll"], made.arguments["project"]) == (10, "demo-project")
    assert "execution_timeout" not in made.arguments  # Vertex ends the job


def test_more_machines_are_a_second_pool(lowered):
    made = lowered(
        "type: train\nimage: x:1\nmodule: own\nmachine: {type: n1-standard-4, replicas: 3}\n"
    )
    assert [each["replicaCount"] for each in made.arguments["job"]["workerPoolSpecs"]] == [1, 2]


def test_evaluate(lowered):
    body = f'type: evaluate\n{JOB}model: "gs://bucket/model"\n'
    container = _container(lowered(body + "args: {textures: gs://bucket/t}"))
    assert container["command"] == ["python", "-m", "trainer.evaluate"]
    assert container["args"] == ["--model=gs://bucket/model", "--textures=gs://bucket/t"]
    assert _container(lowered(body + "command: [my, eval]"))["command"] == ["my", "eval"]


def test_evaluate_has_one_model(faults):
    body = f"type: evaluate\n{JOB}module: own\nmodel: gs://bucket/model\nargs: {{model: other}}"
    assert faults(body) == [("DF207", "`model` is set by the task's own key")]


def _container(made: Any) -> dict[str, Any]:
    found: dict[str, Any] = made.arguments["job"]["workerPoolSpecs"][0]["containerSpec"]
    return found


@pytest.mark.parametrize("type_", ["evaluate\nmodel", "validate_checkpoint\ncheckpoint"])
def test_addresses_are_checked(faults, type_):
    found = faults(f"type: {type_}: my_model\n" + (JOB if "evaluate" in type_ else ""))
    assert found == [("DF123", "`my_model` is not an address in Cloud Storage")]


def test_validate_checkpoint(lowered):
    made = lowered(
        "type: validate_checkpoint\ncheckpoint: gs://bucket/c\nrequire: {states: [a], max_loss: 2.0}"
    )
    assert made.arguments["checkpoint"] == "gs://bucket/c"
    assert made.arguments["require"] == {
        "states": ["a"],
        "max_loss": 2.0,
        "complete": True,
        "verify": "sha256",
    }


def test_upload_model(lowered):
    made = lowered(
        "type: upload_model\nartifact: gs://bucket/m\naliases: [best]\ndescription: d\n"
        "serving: {image: s:1, predict: /p, health: /h, port: 80, args: [--a=1], env: {B: c}}\n"
        "labels: {x: y}"
    )
    assert made.arguments["model"] == {
        "displayName": "demo",
        "artifactUri": "gs://bucket/m",
        "containerSpec": {
            "imageUri": "s:1",
            "predictRoute": "/p",
            "healthRoute": "/h",
            "ports": [{"containerPort": 80}],
            "args": ["--a=1"],
            "env": [{"name": "B", "value": "c"}],
        },
        "description": "d",
    }
    assert made.arguments["labels"] == {"team": "ml", "x": "y"}


def test_deploy(lowered, faults):
    body = "type: deploy\nmodel: m\nendpoint: e\ntraffic: "
    made = lowered(body + "{new: 10, current: 90}\nmachine: {max_replicas: 3}")
    assert made.arguments["traffic"] == {"new": 10, "current": 90}
    assert made.arguments["machine"]["maxReplicaCount"] == 3
    assert not {"network", "service_account"} & made.arguments.keys()
    more = "{}\nnetwork: projects/1/global/networks/n\nservice_account: s@p.iam.gserviceaccount.com"
    asked = lowered(body + more).arguments
    assert asked["network"] == "projects/1/global/networks/n"
    assert asked["service_account"] == "s@p.iam.gserviceaccount.com"
    assert faults(body + "{new: 10, current: 80}")[0][0] == "DF123"


def test_sweep(compiled):
    made = compiled(
        SWEEP + "parameters: {a: {values: [1, 2]}}\nseeds: [0, 1]\nparallel: 2\npool: p\n"
        "trigger_rule: all_done\nretries: {attempts: 1}"
    )
    group = lower(made.plan, source="x").members[-1]
    assert isinstance(group, Group)
    trial, best = group.members
    assert trial.expand == {"trial": Indices(4)}
    assert trial.arguments["max_active_tis_per_dagrun"] == 2
    assert (trial.arguments["pool"], trial.arguments["trigger_rule"]) == ("p", "all_done")
    assert best.arguments == {
        "task_id": "best",
        "trials": "it.trial",
        "base": f"{RUN}/it",
        "metric": "loss",
        "goal": "minimize",
        "retries": 1,
    }


@pytest.mark.parametrize(
    ("keys", "poll"),
    [
        ("parallel: 150", None),
        ("parallel: 151", 31),
        ("parallel: 1000", 60),  # there are 300
        ("parallel: 300\npoll: 2m", 120),
        ("parallel: 300\npoll: 5s", 60),
        ("parallel: 4\npoll: 5s", 5),
    ],
)
def test_jobs_at_the_same_time_are_asked_for_at_half_of_the_quota(compiled, keys, poll):
    values = list(range(300))
    made = compiled(SWEEP + f"parameters: {{a: {{values: {values}}}}}\n{keys}")
    trial, _ = lower(made.plan, source="x").members[-1].members
    assert trial.arguments.get("poll") == poll


HALVING = (
    "method: halving\ntrials: 9\nparameters: {a: {min: 1, max: 64}}\n"
    "halving: {argument: steps, min: 10, max: 60, carry: from}\ntrigger_rule: all_done"
)


def test_halving_is_a_chain_of_rungs(compiled):
    group = lower(compiled(SWEEP + HALVING).plan, source="x").members[-1]
    assert isinstance(group, Group)
    first, promote, second, best = group.members
    assert [each.id for each in group.members] == ["rung_0", "promote_0", "rung_1", "best"]
    assert [each.expand for each in (first, second)] == [
        {"trial": Indices(9)},
        {"trial": Indices(3)},
    ]
    assert first.arguments["sweep"]["rungs"] == {
        "argument": "steps",
        "budgets": [10, 30],
        "sizes": [9, 3],
    }
    assert (first.arguments["rung"], best.arguments["rung"]) == (0, 1)
    assert ("carry" in first.arguments, second.arguments["carry"]) == (False, "from")
    assert first.arguments["trigger_rule"] == "all_done"
    assert "trigger_rule" not in second.arguments
    assert promote.arguments["trials"] == "it.rung_0"
    assert len(group.edges) == 3
    assert group.tooltip == "9 with steps=10, 3 with steps=30; best loss"


BAYES = (
    "method: bayes\ntrials: 20\nparallel: 3\nparameters: {rate: {min: 0.001, max: 0.1, scale: log},"
    " width: {min: 8, max: 64}, decay: {values: [0.5, 0]}, kind: {values: [a, true]}}"
)


def test_bayes_is_one_tuning_job(compiled):
    group = lower(compiled(SWEEP + BAYES + "\npool: p").plan, source="x").members[-1]
    (best,) = group.members
    assert (best.symbol.name, best.arguments["pool"], best.expand) == ("TuneOperator", "p", {})
    assert best.arguments["study"] == {
        "studySpec": {
            "metrics": [{"metricId": "loss", "goal": "MINIMIZE"}],
            "parameters": [
                {
                    "parameterId": "rate",
                    "doubleValueSpec": {"minValue": 0.001, "maxValue": 0.1},
                    "scaleType": "UNIT_LOG_SCALE",
                },
                {
                    "parameterId": "width",
                    "integerValueSpec": {"minValue": 8, "maxValue": 64},
                    "scaleType": "UNIT_LINEAR_SCALE",
                },
                {"parameterId": "decay", "discreteValueSpec": {"values": [0, 0.5]}},
                {"parameterId": "kind", "categoricalValueSpec": {"values": ["a", "true"]}},
            ],
        },
        "maxTrialCount": 20,
        "parallelTrialCount": 3,
    }


def test_a_packed_sweep(compiled):
    """A job for ceil(M / N) trials of each shape, under the same task ids as without."""
    own = SWEEP.replace("module: own", "module: trainer\nargs: {textures: sort-of-clevr}")
    made = compiled(
        own + "parameters: {width: {values: [16, 48]}, clip: {values: [1, 2, 3]}}\n"
        "seeds: [0, 1]\npack: 4"
    )
    group = lower(made.plan, source="x").members[-1]
    assert isinstance(group, Group)
    trial, _best = group.members
    assert trial.expand == {"pack": Indices(4)}
    assert trial.symbol.name == "VertexPackOperator"
    sweep = trial.arguments["sweep"]
    assert (sweep["pack"], sweep["shape"]) == (4, ["width"])
    assert group.tooltip == "12 trials, at most 4 in a job, best loss"


def test_another_program_says_itself_what_may_differ(compiled):
    made = compiled(
        SWEEP + "parameters: {a: {values: [1, 2]}, b: {values: [1, 2]}}\n"
        "pack: {trials: 9, varying: [a]}"
    )
    trial = lower(made.plan, source="x").members[-1].members[0]
    assert trial.arguments["sweep"]["shape"] == ["b"]
    assert trial.expand == {"pack": Indices(2)}


def test_nothing_has_to_be_equal(compiled):
    made = compiled(SWEEP + "parameters: {a: {values: [1, 2]}}\npack: {trials: 2, varying: [a]}")
    trial = lower(made.plan, source="x").members[-1].members[0]
    assert "shape" not in trial.arguments["sweep"]


OURS = SWEEP.replace("module: own", "module: trainer\nargs: {textures: t}")
TWO = "parameters: {width: {values: [8, 16]}, clip: {values: [1, 2]}}\n"


@pytest.mark.parametrize(
    ("spec", "codes"),
    [
        (SWEEP + "parameters: {a: {values: [1]}}\npack: 4", ["DF226"]),
        (SWEEP + "parameters: {a: {values: [1]}}\npack: {trials: 4, varying: [b]}", ["DF226"]),
        (SWEEP + "parameters: {a: {values: [1]}}\npack: 1", ["DF123"]),
        (OURS + TWO + "pack: 4", []),
        (OURS + TWO + "pack: {trials: 4, varying: [width]}", ["DF226"]),
        (OURS + TWO + "pack: {trials: 4, varying: [clip]}", []),
        (
            OURS.replace("n1-standard-4}", "n1-standard-4, replicas: 2}") + TWO + "pack: 4",
            ["DF226"],
        ),
        (OURS + TWO.replace("clip", "output") + "pack: 4", ["DF226"]),
        (OURS + "parameters: {width: {values: [8, 16]}}\npack: 4", ["DF324"]),
        (OURS + "parameters: {width: {values: [8]}}\npack: 4", []),
        (OURS + "parameters: {clip: {values: [1]}}\npack: 64", []),
        (OURS + "method: random\ntrials: 9\nparameters: {clip: {min: 1.5, max: 2.5}}\npack: 4", []),
        (SWEEP + HALVING + "\npack: 4", ["DF226"]),
        (SWEEP + BAYES + "\npack: 4", ["DF226"]),
    ],
)
def test_packs_that_cannot_be(faults, spec, codes):
    assert [code for code, _ in faults(spec)] == codes


def test_what_vertex_steers_has_no_combinations_of_ours(faults):
    assert faults(SWEEP + BAYES + "\nseeds: [0]")[0][0] == "DF123"
    assert faults(SWEEP + BAYES.replace("[a, true]", "[a, null]"))[0][0] == "DF123"
    assert faults(SWEEP + BAYES.replace("trials: 20", "parallel: 2"))[0][0]


def test_a_grid_of_billions_is_refused_without_counting_it(faults):
    values = "[" + ", ".join(map(str, range(1000))) + "]"
    axes = ", ".join(f"{name}: {{values: {values}}}" for name in "abc")
    ((code, message),) = faults(f"{SWEEP}parameters: {{{axes}}}")
    assert (code, message.split()[0]) == ("DF208", "1,000,000,000")


def test_a_thousand_drawn_trials_are_a_few_lines(compiled):
    more = "method: sobol\ntrials: 1000\nparameters: {a: {min: 0.1, max: 1}}\nseeds: [0, 1]"
    trial, _ = lower(compiled(SWEEP + more).plan, source="x").members[-1].members
    assert trial.expand == {"trial": Indices(2000)}
    assert trial.arguments["sweep"] == {
        "method": "sobol",
        "parameters": {"a": {"min": 0.1, "max": 1}},
        "trials": 1000,
        "draw_seed": 0,
        "seeds": [0, 1],
    }


@pytest.mark.parametrize(
    ("more", "codes"),
    [
        (
            "method: halving\nparameters: {a: {min: 1, max: 2}}\nhalving: {argument: s, min: 1, max: 9}",
            ["DF218"],
        ),
        (HALVING.replace("argument: steps", "argument: a"), ["DF207"]),
        (HALVING.replace("method: halving", "method: random"), ["DF123"]),
        (HALVING + "\ninclude: [{a: 200}]", []),
        ("seeds: [0]\nargs: {seed: 1}\nparameters: {a: {values: [1]}}", ["DF207"]),
        ("seeds: [0]\nparameters: {seed: {values: [1]}}", ["DF207"]),
        ("args: {seed: 1}\nparameters: {a: {values: [1]}}", []),
        ("include: [{aa: 1}]\nparameters: {a: {values: [1]}}", ["DF217", "DF217"]),
        ("include: [{a: 9}]\nparameters: {a: {values: [1]}}", []),
    ],
)
def test_sweeps_that_contradict_themselves(faults, more, codes):
    assert [code for code, _ in faults(SWEEP + more)] == codes


def test_a_gate_starts_what_a_group_starts_with(tmp_path: Path) -> None:
    """Also when the tasks inside wait for each other by references or through groups."""
    path = tmp_path / "p.yaml"
    path.write_text("""
pipeline: p
tasks:
  gate: {type: gate, metrics: "gs://bucket/m", when: a > 1, then: [box]}
  box:
    type: group
    tasks:
      late: {type: bash, command: "${tasks.early.result}"}
      early: {type: bash, command: x}
      inner: {type: group, after: [early], tasks: {last: {type: empty}}}
""")
    made = compile_spec(path, None)
    assert made.plan, made.diagnostics
    assert lower(made.plan, source="x").members[0].arguments["then"] == ["box.early"]
