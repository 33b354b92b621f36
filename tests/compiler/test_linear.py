"""Four times the tasks take about four times the work: lines are counted, not seconds."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from size import size

from dagfactory.compiler.build import rendered
from dagfactory.compiler.compile import compile_spec
from dagfactory.diagnostics import limits
from dagfactory.diagnostics.limits import Limit

ENVIRONMENT = "environment: dev\nproject: demo-dev\nregion: us-central1\nbucket: gs://demo-dev\n"
TRAIN = "type: train, image: 'us-docker.pkg.dev/p/r/i@sha256:" + "a" * 64 + "', module: m"
TRAIN += ", machine: {type: n1-standard-4}"
BASH = "type: bash, command: echo"


def chain(index: int, _count: int) -> str:
    return f"t{index}: {{{TRAIN}{f', after: [t{index - 1}]' if index else ''}}}"


def backwards(index: int, count: int) -> str:
    return f"t{index}: {{{BASH}{f', after: [t{index + 1}]' if index + 1 < count else ''}}}"


def reading_by_hand(index: int, _count: int) -> str:
    address = f"'${{run.dir}}/t{max(index - 1, 0)}/model'"
    return f"t{index}: {{{TRAIN}, args: {{from: {address}}}}}"


def referring(index: int, _count: int) -> str:
    args = f", args: {{from: '${{tasks.t{index - 1}.uri}}'}}" if index else ""
    return f"t{index}: {{{TRAIN}{args}}}"


def in_groups(index: int, _count: int) -> str:
    after = f", after: [g{index - 1}]" if index else ""
    members = f"a{index}: {{{BASH}}}, b{index}: {{{BASH}, after: [a{index}]}}"
    return f"g{index}: {{type: group{after}, tasks: {{{members}}}}}"


def in_one_group(index: int, count: int) -> str:
    head = "g:\n    type: group\n    tasks:\n      " if not index else "    "
    tail = f"\n  last: {{{BASH}, after: [g]}}" if index + 1 == count else ""
    return f"{head}t{index}: {{{BASH}}}{tail}"


def gates(index: int, _count: int) -> str:
    gate = (
        f"type: gate, metrics: 'gs://b/{index}.json', when: x > 1, then: y{index}, else: n{index}"
    )
    after = f", after: [y{index - 1}]" if index else ""
    sides = "\n  ".join(f"{side}{index}: {{{BASH}}}" for side in "yn")
    return f"g{index}: {{{gate}{after}}}\n  {sides}"


def teardowns(index: int, _count: int) -> str:
    lines = [f"u{index}: {{{BASH}}}", f"w{index}: {{{BASH}, after: [u{index}]}}"]
    after = f"[w{index}{f', d{index - 1}' if index else ''}]"
    return "\n  ".join([*lines, f"d{index}: {{{BASH}, teardown: u{index}, after: {after}}}"])


def unknown(index: int, _count: int) -> str:
    return f"t{index}: {{{BASH}, after: [nobody{index}{f', t{index - 1}' if index else ''}]}}"


def circles(index: int, _count: int) -> str:
    return f"t{index}: {{{BASH}, after: [t{index ^ 1}]}}"


SHAPES = (
    chain, backwards, reading_by_hand, referring, in_groups, in_one_group, gates, teardowns, unknown,
    circles,
)  # fmt: skip


def steps(work: Callable[[], object]) -> int:
    """Return how many lines were begun, those of a loop on one line at each turn."""
    count = 0

    def note(_frame, event, _argument):
        nonlocal count
        count += event == "line"
        return note

    before = sys.gettrace()
    sys.settrace(note)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("shape", SHAPES, ids=lambda each: each.__name__)
def test_four_times_the_tasks(shape, tmp_path, monkeypatch):
    # the number of circles and of suggestions has a limit, from which on nothing grows
    monkeypatch.setattr(limits, "FINDINGS", Limit(5, ""))
    monkeypatch.setattr(limits, "SUGGESTIONS", Limit(5, ""))
    (tmp_path / "specs/environments").mkdir(parents=True)
    (tmp_path / "specs/environments/dev.yaml").write_text(ENVIRONMENT)

    def work(count: int) -> int:
        path = tmp_path / f"specs/p{count}.yaml"
        tasks = "\n  ".join(shape(index, count) for index in range(count))
        path.write_text(f"pipeline: p\ntasks:\n  {tasks}\n")
        return steps(lambda: rendered(path, compile_spec(path, "dev")))

    small = size(40, 400)
    work(4)  # what is imported and remembered once
    few, many = work(small), work(4 * small)
    assert many < 5 * few, f"{few:,} steps for {small} tasks, {many:,} for {4 * small}"
