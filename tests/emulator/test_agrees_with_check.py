"""What `dagfactory check` says of a job's machine, and what the emulator answers to the job made of it.

Both read Google's lists, each with code of its own: where they differ, one of them is wrong.
"""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import messages
import pytest
import size
from google.protobuf import json_format

from dagfactory.catalogue.machines import accelerators, regions, shapes
from dagfactory.compiler.compile import compile_spec
from dagfactory.compiler.lower.dag import lower
from dagfactory.dagfile.model import Operator
from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.vertex.job_rules import JobRules
from dagfactory.runtime.jobspec import as_sent

Machine = dict[str, Any]
WAYS = ("standard", "spot", "flex_start", "reservation")
FILE = "environment: dev\nproject: demo-dev\nregion: {}\nbucket: gs://demo-dev\n"


def bought(way: str, **machine: Any) -> Machine:
    made = {**machine, "provisioning": way}
    return made | ({"reservation": "projects/p/zones/z/reservations/r"} if way == WAYS[3] else {})


def attached(kind: str, count: int) -> Machine:
    return {"accelerator": {"type": kind, "count": count}}


def machines(chosen: Random) -> Iterator[Machine]:
    """Yield every GPU machine as it is or with each GPU that fits, and as many that are wrong."""
    wrong = [each for each in accelerators() if not each.startswith("TPU")]
    for name, shape in shapes().items():
        way = chosen.choice(WAYS)
        if shape.gpus:
            yield bought(shape.only[0] if shape.only else "standard", type=name)
            yield bought(way, type=name)
        for gpu, counts in shape.attachable.items():
            yield bought("spot", type=name, **attached(gpu, chosen.choice(counts)))
        if not shape.gpus:
            yield bought(
                way, type=name, **attached(chosen.choice(wrong), chosen.choice((1, 2, 3, 8)))
            )
            yield bought("standard", type=name)
    yield from (bought("spot", type=name) for name in ("n1-standard-3", "foo-bar-4", "z9-big-8"))


def compiled(
    folder: Path, region: str, every: Iterable[dict[str, Any]]
) -> tuple[set[str], Mapping[str, Any]]:
    """Return the tasks that have errors and the operators of all, for a job with each of the fields."""
    (folder / "environments").mkdir(parents=True)
    (folder / "environments/dev.yaml").write_text(FILE.format(region))
    job = {"type": "train", "module": "m", "image": "i:1"}
    tasks = {f"t{n}": job | each for n, each in enumerate(every)}
    spec = folder / "spec.yaml"
    # a task in each line, so that the line of a finding tells the task
    rows = ",\n".join(f"{json.dumps(name)}: {json.dumps(task)}" for name, task in tasks.items())
    spec.write_text(f'{{"pipeline": "p", "tasks": {{\n{rows}\n}}}}')
    made = compile_spec(spec, "dev")
    assert made.draft, made.diagnostics
    errors = {each for each in made.diagnostics if each.severity == "error"}
    wrong = {f"t{each.span.line - 2}" for each in errors if each.span}
    members = lower(made.draft, source="spec.yaml").members
    return wrong, {each.id: each.arguments for each in members if isinstance(each, Operator)}


def refusal(rules: JobRules, region: str, arguments: Mapping[str, Any]) -> str:
    """Return what the emulator says of an operator's job, empty when it takes it."""
    body = {"displayName": "j", "jobSpec": as_sent(dict(arguments["job"]))}
    job = json_format.ParseDict(body, messages.vertex("CustomJob"))
    try:
        rules.check(region, job, job)
    except ApiError as error:
        return error.message
    return ""


@pytest.fixture
def rules(tmp_path: Path) -> JobRules:
    (tmp_path / "state/gcs/demo-dev").mkdir(parents=True)
    return JobRules(tmp_path / "state")


def test_check_and_the_emulator_agree_on_every_gpu_in_every_region(
    tmp_path: Path, rules: JobRules
) -> None:
    chosen, pairs, accepted = Random(7), set(), 0  # noqa: S311 - reproducible
    for region in ["us-newer1", *size.sampled(sorted(regions()), 8)]:
        every = list(machines(chosen))
        wrong, operators = compiled(
            tmp_path / region, region, [{"machine": each} for each in every]
        )
        for number, machine in enumerate(every):
            task = f"t{number}"
            said = refusal(rules, region, operators[task])
            assert bool(said) == (task in wrong), (region, machine, said)
            pairs.add((machine["type"], str(machine.get("accelerator")), region))
            accepted += not said
    assert len(pairs) >= 899
    assert accepted >= 899


FIELDS: dict[str, list[Any]] = {
    "labels": [{}, {"team": "ml"}, {"a_b-c": "x" * 63}, {f"l{n}": "" for n in range(60)}],
    "env": [{}, {"A": "1", "_b": "2"}, {"EMPTY": ""}],
    "service_account": ["t@demo-dev.iam.gserviceaccount.com"],
    "network": ["projects/1/global/networks/n"],
    "tensorboard": [f"projects/1/locations/{each}/tensorboards/2" for each in ("us-central1", "x")],
    "kms_key": ["projects/p/locations/us/keyRings/r/cryptoKeys/k"],
    "persistent_resource": ["c1", "training-cluster"],
    "nfs_mounts": [[{"server": "10.0.0.5", "path": "/data", "mount_point": "data"}]],
    "timeout": ["30m", "7d", "8d"],
    "restart": [True, False],
}
PARTS: dict[str, list[Any]] = {
    "disk": [
        {"type": kind, "size_gb": size}
        for kind in ("pd-ssd", "hyperdisk-balanced")
        for size in (100, 64000)
    ],
    "replicas": [1, 2, 1000],
    "max_wait": ["1m", "3d"],
    "tpu_topology": ["2x2", "2x2x4"],
}


def drawn(chosen: Random, fields: Mapping[str, list[Any]]) -> dict[str, Any]:
    names = [name for name in fields if chosen.random() < 0.4]
    return {name: chosen.choice(fields[name]) for name in names}


def test_no_job_that_check_lets_pass_is_refused(tmp_path: Path, rules: JobRules) -> None:
    chosen = Random(11)  # noqa: S311 - reproducible
    every = [
        drawn(chosen, FIELDS) | {"machine": chosen.choice(found) | drawn(chosen, PARTS)}
        for found in itertools.repeat(list(machines(chosen)), size.size(300, 5000))
    ]
    wrong, operators = compiled(tmp_path / "specs", "us-central1", every)
    passed = [n for n in range(len(every)) if f"t{n}" not in wrong]
    assert len(passed) >= len(every) / 10
    for number in passed:
        assert refusal(rules, "us-central1", operators[f"t{number}"]) == "", every[number]
