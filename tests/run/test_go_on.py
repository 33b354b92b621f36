from pathlib import Path
from types import SimpleNamespace

import pytest

from dagfactory.run.events import NotReadyError, RunEnded, RunStarted
from dagfactory.run.go_on import GoOn, Inputs, clear, from_task, only_task, rerun_failed
from dagfactory.run.prepare import prepare
from dagfactory.run.records import Record, records, remembered, write

INPUTS = Inputs(
    {"get": "1", "train": "2", "gate": "3", "other": "4"},
    {"get": frozenset(), "train": frozenset({"get"}), "gate": frozenset({"get", "train"})},
)
SPEC = """
pipeline: three
schedule: null
params: {rate: {type: number, default: RATE}}
tasks:
  get: {type: empty}
  say: {type: bash, command: "echo ${params.rate}"}
  work: {type: group, tasks: {inner: {type: empty}}, after: [get]}
  gate: {type: empty, after: [work], pool: POOL}
"""


def _record(**changed):
    return Record("d", "r1", "local", "run", digests={**INPUTS.digests, **changed})


def test_what_is_stale_before_a_task_runs_again():
    plan = from_task("gate", _record(train="old"), INPUTS, force=False)
    assert plan == GoOn("r1", ("train", "gate"), before=frozenset({"get"}))


def test_what_is_stale_beside_a_task_does_not():
    assert from_task("gate", _record(other="old"), INPUTS, force=False).tasks == ("gate",)


def test_force_keeps_what_is_stale():
    assert from_task("gate", _record(train="old"), INPUTS, force=True).tasks == ("gate",)


def test_one_task_alone_takes_nothing_along():
    plan = only_task("gate", _record(train="old"), INPUTS)
    assert (plan.tasks, plan.downstream) == (("gate",), False)


def test_running_again_what_failed_takes_every_stale_task_along():
    assert rerun_failed(_record(other="old"), INPUTS, force=False).tasks == ("other",)


def test_an_unknown_task_is_told_with_the_nearest():
    with pytest.raises(NotReadyError, match=r"no task `gats`.*gate"):
        from_task("gats", _record(), INPUTS, force=False)


def _cleared(plan, states, after=()):
    """Return what is cleared of a run, and what the run is told; `after` is what Airflow clears with it."""
    return _sent_and_kept(plan, states, after)[0]


def _sent_and_kept(plan, states, after=()):
    sent = []
    answer = [{"task_id": name, "map_index": index} for name, index in after]
    instances = [
        {"task_id": name, "map_index": index, "state": state}
        for (name, index), state in states.items()
    ]
    api = SimpleNamespace(
        get=lambda *_, **__: {"task_instances": instances},
        post=lambda *_, body: (
            sent.append((body["task_ids"], body["include_downstream"]))
            or {"task_instances": answer}
        ),
        patch=lambda *_, body: sent.append(body["state"]),
    )
    return sent, clear(api, "d", plan)


def test_a_task_of_a_rendered_folder_must_be_in_the_run():
    plan = only_task("gats", _record(), Inputs())
    with pytest.raises(NotReadyError, match="no task `gats` in r1"):
        _cleared(plan, {("gate", -1): "success"})


def test_what_is_not_cleared_is_kept():
    states = {("get", -1): "success", ("g.train", -1): "success", ("gate", -1): "failed"}
    again = [("g.train", -1), ("gate", -1)]
    assert _sent_and_kept(GoOn("r", ("train",)), states, again)[1] == {"get"}


def test_a_sweep_of_which_a_trial_is_kept_is_kept():
    states = {("search.trials", 0): "success", ("search.trials", 1): "failed"}
    assert _sent_and_kept(GoOn("r", failed=True), states, [("search.trials", 1)])[1] == {
        "search",
        "trials",
    }


def test_only_what_ran_again_is_remembered_as_made_from_what_the_spec_says_now(tmp_path):
    now = Record("d", "", "local", "c", digests={"get": "new", "train": "new", "more": "new"})
    sink = remembered(lambda _: None, tmp_path, now, {"get": "old", "train": "old"})
    sink(RunStarted("d", "r", "http://x", frozenset({"get", "more", "gone"})))
    sink(RunEnded("r", "success", 2.5))
    assert records(tmp_path)[0].digests == {"get": "old", "train": "new", "more": ""}


def test_only_trials_that_did_not_succeed_are_cleared():
    states = {
        ("search.trials", 0): "success",
        ("search.trials", 1): "failed",
        ("search.trials", 2): None,
        ("gate", -1): "upstream_failed",
    }
    assert _cleared(GoOn("r", failed=True), states) == [
        ([["search.trials", 1], "gate"], True),
        "queued",
    ]


def test_a_task_of_the_spec_is_all_that_airflow_makes_of_it():
    states = {("search.trials", 0): "success", ("search.best", -1): "success", ("x", -1): "success"}
    assert _cleared(GoOn("r", ("search",)), states)[0] == (["search.best", "search.trials"], True)


def test_inputs_change_with_the_task_alone_and_groups_stand_before_what_waits_for_them(
    tmp_path: Path,
):
    def inputs(pool, rate="0.1"):
        spec = tmp_path / "three.yaml"
        spec.write_text(SPEC.replace("POOL", pool).replace("RATE", rate))
        (tmp_path / "environments").mkdir(exist_ok=True)
        local = Path(__file__).parents[2] / "specs/environments/local.yaml"
        (tmp_path / "environments/local.yaml").write_bytes(local.read_bytes())
        return prepare(spec, environment="local", into=tmp_path / "out").inputs

    def differing(one, other):
        return [name for name in one.digests if one.digests[name] != other.digests[name]]

    one = inputs("gpu_quota")
    assert differing(one, inputs("bigquery_slots")) == ["gate"]
    assert differing(one, inputs("gpu_quota", rate="0.2")) == ["say"]
    assert one.before["gate"] >= {"get", "inner"}
    assert one.before["inner"] >= {"get"}


def test_a_run_is_remembered_from_its_start_to_its_end(tmp_path):
    told = []
    sink = remembered(told.append, tmp_path, Record("d", "", "local", "c"))
    sink(RunStarted("d", "r", "http://x"))
    assert [each.state for each in records(tmp_path, "d")] == ["running"]
    sink(RunEnded("r", "failed", 2.5))
    assert [(each.run_id, each.state, each.seconds) for each in records(tmp_path)] == [
        ("r", "failed", 2.5)
    ]
    assert len(told) == 2


def test_a_file_that_is_no_record_is_passed_over(tmp_path):
    write(tmp_path, Record("d", "r", "local", "c"))
    (tmp_path / "runs/d/9.json").write_text("[]")
    (tmp_path / "runs/d/8.json").write_text('{"newer": 1}')
    assert [each.run_id for each in records(tmp_path)] == ["r"]


def test_the_oldest_of_too_many_go(tmp_path, monkeypatch):
    monkeypatch.setattr("dagfactory.run.records._NEWEST", 2)
    for name in "abc":
        write(tmp_path, Record("d", name, "local", "c"))
    assert [each.run_id for each in records(tmp_path)] == ["c", "b"]


OWN = """
pipeline: own
schedule: null
defaults: {image: "us-docker.pkg.dev/vertex-ai/training/IMAGE", machine: {type: n1-standard-4}}
tasks:
  get: {type: bash, command: "true"}
  fit: {type: train, script: fit.py, after: [get]}
  judge: {type: pipeline, template: judge.json, after: [fit]}
"""


def test_a_task_is_stale_when_its_program_has_changed(tmp_path):
    local = Path(__file__).parents[2] / "specs/environments/local.yaml"
    (tmp_path / "specs/environments").mkdir(parents=True)
    (tmp_path / "specs/environments/local.yaml").write_bytes(local.read_bytes())

    def digests(program="", beside="", template="{}", image="pytorch-gpu.2-4.py310:latest"):
        (tmp_path / "fit.py").write_text(f"import beside\n{program}")
        (tmp_path / "beside.py").write_text(beside)
        (tmp_path / "judge.json").write_text(f'{{"root": {{"dag": {template}}}}}')
        (tmp_path / "specs/own.yaml").write_text(OWN.replace("IMAGE", image))
        made = prepare(tmp_path / "specs/own.yaml", environment="local", into=tmp_path / "out")
        return made.inputs.digests

    def differing(**changed):
        now = digests(**changed)
        return sorted(name for name in first if first[name] != now[name])

    first = digests()
    assert differing() == []
    assert differing(program="print()") == ["fit"]
    assert differing(beside="print()") == ["fit"]
    assert differing(template='{"tasks": {}}') == ["judge"]
    assert differing(image="pytorch-cpu.2-4.py310:latest") == ["fit"]
