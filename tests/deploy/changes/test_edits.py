"""What is reported is what was edited, over every key of the schema, and it leads from the old to the new."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from random import Random
from typing import Any, get_args

import pytest
from edits import SOURCES, Edit, Workshop, edited, edits, in_other_words, key, places, source
from pydantic import BaseModel
from size import SEED, sampled, size

from dagfactory.deploy.changes.compare import task_changes
from dagfactory.deploy.changes.document import Document, read_pipeline
from dagfactory.deploy.changes.field import fields
from dagfactory.language.pipeline import Pipeline
from dagfactory.tasks import task_type, types

SPECS = {path.stem: source(path) for path in SOURCES}


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("specs"))


def seeded() -> Random:
    return Random(SEED)  # noqa: S311 - reproducible, not secret


def whole(task: str) -> tuple[str, ...]:
    """Return where a task with its groups stands in a spec."""
    return tuple(step for name in task.split(".") for step in ("tasks", name))


def reported(old: Document, new: Document) -> dict[tuple[str, ...], tuple[Any, Any]]:
    """Return old and new of what changed by its path in the spec; whole tasks that came or went as well."""
    found = {each.path: (each.old, each.new) for each in fields(old.settings, new.settings)}
    for change in task_changes(old.tasks, new.tasks):
        assert change.action != "renamed", change
        if change.action != "changed":
            found[whole(change.id)] = change.old, change.new
        found |= {(*whole(change.id), *each.path): (each.old, each.new) for each in change.fields}
    return found


def steps(path: tuple[str | int, ...]) -> tuple[str, ...]:
    """Return a path as far as a list, which is one value."""
    kept = []
    for step in path:
        if not isinstance(step, str):
            break
        kept.append(step)
    return tuple(kept)


def about(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether one path leads through the other; a short form stands for a key below it."""
    return one[: len(other)] == other or other[: len(one)] == one


def applied(old: Document, new: Document) -> dict[str, Any]:
    """Return the tasks and settings of `old` with the reported changes made."""
    data = copy.deepcopy({"settings": old.settings, "tasks": old.tasks})
    for each in fields(old.settings, new.settings):
        put(data["settings"], each.data())
    for change in task_changes(old.tasks, new.tasks):
        said = change.data()
        match said["action"]:
            case "added":
                data["tasks"][said["id"]] = said["definition"]
            case "removed":
                del data["tasks"][said["id"]]
            case "renamed":
                data["tasks"][said["to"]] = data["tasks"].pop(said["id"])
            case "changed":
                for each in said["fields"]:
                    put(data["tasks"][said["id"]], each)
    return data


def put(data: dict[str, Any], change: dict[str, Any]) -> None:
    """Make one reported change of a field."""
    *above, last = change["path"]
    for step in above:
        data = data[step]
    if "new" in change:
        data[last] = change["new"]
    else:
        del data[last]


def text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def check(old: bytes, new: bytes, made: list[Edit]) -> None:
    """Compare what is reported with the edits: each has its change, and there is no other."""
    one, other = read_pipeline(old), read_pipeline(new)
    assert one
    assert other
    found = reported(one, other)
    for edit in made:
        mine = [path for path in found if about(path, steps(edit.path))]
        # a group that goes takes its tasks along
        assert len(mine) == 1 or (mine and edit.path[-2:-1] == ("tasks",)), (edit, found)
        if mine == [edit.path] and isinstance(edit.new, bool | int | float | None):
            assert found[mine[0]][1] == edit.new
    everything = [steps(edit.path) for edit in made]
    assert all(any(about(path, each) for each in everything) for path in found), (made, found)
    assert text(applied(one, other)) == text({"settings": other.settings, "tasks": other.tasks})


def by_key() -> dict[tuple[str, ...], list[tuple[str, tuple[str | int, ...], Any]]]:
    """Return the places of all specs by the key that they are examples of."""
    found: dict[tuple[str, ...], list[tuple[str, tuple[str | int, ...], Any]]] = {}
    for name, data in SPECS.items():
        for path, value in places(data):
            found.setdefault(key(path, data), []).append((name, path, value))
    return found


def one_edit(
    workshop: Workshop, plans: dict[str, bytes], places: list[Any], random: Random
) -> tuple[str, Edit, bytes] | None:
    """Return the first edit of a key that gives a right spec with another plan, with that plan."""
    for name, path, value in random.sample(places, len(places)):
        for edit in edits(path, value, random):
            made = workshop.plan(edited(SPECS[name], [edit]))
            if made and made != plans[name]:
                return name, edit, made
    return None


@pytest.fixture(scope="module")
def plans(workshop: Workshop) -> dict[str, bytes]:
    found = {name: workshop.plan(data) for name, data in SPECS.items()}
    assert [name for name, plan in found.items() if plan is None] == []
    return {name: plan for name, plan in found.items() if plan}


ONLY_TOGETHER = {
    ("deploy", "traffic", "current"),  # with `new`, 100 in all
    ("deploy", "traffic", "new"),
    ("sweep", "early_stopping", "rule"),  # the keys beside it are those of `convex`
    ("gcs_delete", "folder"),  # for `objects`, which the task has not
    ("train", "script"),  # the file that is there
}
"""Keys that no single edit can change."""


def test_what_is_reported_is_what_was_edited(workshop: Workshop, plans: dict[str, bytes]) -> None:
    random, keys = seeded(), by_key()
    untouched = []
    for each in sampled(sorted(keys), 25):
        if done := one_edit(workshop, plans, keys[each], random):
            name, edit, new = done
            check(plans[name], new, [edit])
        else:
            untouched.append(each)
    # a key that only says of what kind the rest is cannot change alone, nor can what has to be there
    inner = {each[:end] for each in keys for end in range(len(each))}
    assert [
        each for each in untouched if each[-1] != "type" and each not in inner | ONLY_TOGETHER
    ] == []


def test_several_edits_are_told_apart(workshop: Workshop, plans: dict[str, bytes]) -> None:
    random, done = seeded(), 0
    wanted = size(6, 200)
    while done < wanted:
        name = random.choice(sorted(SPECS))
        chosen = random.sample(list(places(SPECS[name])), 3)
        # a value inside a list changes the list, and one inside another both of them
        paths = [steps(path) for path, _ in chosen]
        if any(about(one, two) for at, one in enumerate(paths) for two in paths[:at]):
            continue
        made = [edits(path, value, random)[:1] for path, value in chosen]
        together = [each for some in made for each in some]
        alone = [workshop.plan(edited(SPECS[name], [each])) for each in together]
        plan = workshop.plan(edited(SPECS[name], together))
        if plan and all(each and each != plans[name] for each in alone):
            check(plans[name], plan, together)
            done += 1


@pytest.mark.parametrize("name", sampled(sorted(SPECS), 4))
def test_other_words_are_no_change(workshop: Workshop, plans: dict[str, bytes], name: str) -> None:
    random = seeded()
    for _ in range(size(1, 5)):
        assert workshop.plan(in_other_words(SPECS[name], random)) == plans[name]


@pytest.mark.parametrize("name", sampled(sorted(SPECS), 4))
def test_a_task_that_comes_goes_or_is_called_otherwise(workshop: Workshop, name: str) -> None:
    old = {
        **SPECS[name],
        "tasks": {**SPECS[name]["tasks"], "idle_zz": {"type": "empty", "doc": "Idle."}},
    }
    tasks = {key: task for key, task in old["tasks"].items() if key != "idle_zz"}
    variants = {
        "added": {**old["tasks"], "another_zz": {"type": "empty"}},
        "removed": tasks,
        "renamed": {**tasks, "resting_zz": old["tasks"]["idle_zz"]},
        "moved": {
            **tasks,
            "box_zz": {"type": "group", "tasks": {"idle_zz": old["tasks"]["idle_zz"]}},
        },
    }
    expected = {
        "added": [("added", "another_zz", "")],
        "removed": [("removed", "idle_zz", "")],
        "renamed": [("renamed", "idle_zz", "resting_zz")],
        "moved": [("added", "box_zz", ""), ("renamed", "idle_zz", "box_zz.idle_zz")],
    }
    one = read_pipeline(workshop.plan(old) or b"")
    assert one
    for variant, made in variants.items():
        other = read_pipeline(workshop.plan({**old, "tasks": made}) or b"")
        assert other
        changes = task_changes(one.tasks, other.tasks)
        assert [(each.action, each.id, each.to) for each in changes] == expected[variant]
        assert text(applied(one, other)) == text({"settings": other.settings, "tasks": other.tasks})


def models(model: type[BaseModel], found: set[type[BaseModel]]) -> set[type[BaseModel]]:
    """Return a model and all that its fields are made of."""
    if model in found:
        return found
    found.add(model)
    left = [each.annotation for each in model.model_fields.values()]
    while left:
        each = left.pop()
        left += get_args(each)
        if isinstance(each, type) and issubclass(each, BaseModel):
            models(each, found)
    return found


def written(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the model and the name of every key that a spec writes."""
    match value:
        case BaseModel():
            for name in value.model_fields_set:
                yield from ((each.__name__, name) for each in type(value).__mro__[:-2])
                yield from written(getattr(value, name))
        case dict():
            for each in value.values():
                yield from written(each)
        case list():
            for each in value:
                yield from written(each)


def test_the_specs_have_every_key_of_the_schema(workshop: Workshop) -> None:
    seen = {each for data in SPECS.values() for each in written(workshop.front(data).pipeline)}
    roots = [Pipeline, *(task_type(each).model for each in types())]
    missing = {
        (model.__name__, name)
        for model in set[type[BaseModel]]().union(*(models(each, set()) for each in roots))
        for name in model.model_fields
        if not seen & {(model.__name__, name), (owner(model, name), name)}
    }
    assert missing <= {("Pipeline", "environments"), ("Pipeline", "vars"), ("TaskBase", "type")}


def owner(model: type[BaseModel], name: str) -> str:
    """Return the model that brings a field in: what several types share is looked at in any of them."""
    above = [each for each in model.__mro__ if name in getattr(each, "model_fields", {})]
    return above[-1].__name__
