"""Mutants of valid specs: one edit each, of the tree (written as JSON) or of the text."""

import copy
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from time import process_time

import damage

JUNK = (
    *(None, True, 0, -1, 3.5, 1e308, "x", "", "{{ ds }}", "${tasks.train.uri}", "${nope.x}"),
    *("${run.dir}", "{{ broken", "é\u200b", "2026-13-45", "5 parsecs", "a" * 5000, [], {}, ["x"]),
    *({"x": 1}, [[]], [{}], {"type": "train"}, {"a": {"b": {"c": 1}}}),
)
SIGNS = "{}[]:,'\"#&*!|>%@`-?$ \t\n\\\0\u200b\ufeffé😀0a"


def delete(data, path, _draw):
    parent = damage.at(data, path[:-1])
    del parent[path[-1]]


def duplicate(data, path, _draw):
    parent, value = damage.at(data, path[:-1]), copy.deepcopy(damage.at(data, path))
    if isinstance(parent, list):
        parent.insert(path[-1], value)
    else:
        parent[f"{path[-1]}_2"] = value


def retype(data, path, draw):
    damage.at(data, path[:-1])[path[-1]] = copy.deepcopy(draw.choice(JUNK))


def rename(data, path, draw):
    parent = damage.at(data, path[:-1])
    if isinstance(parent, dict):
        name = draw.choice(
            ["x", "type", "tasks", "Größe", path[-1].upper(), path[-1] + "s", "", "a.b"]
        )
        parent[name] = parent.pop(path[-1])


def wrap(data, path, draw):
    parent, value = damage.at(data, path[:-1]), damage.at(data, path)
    parent[path[-1]] = [value] if draw.random() < 0.5 else {"value": value}


def unwrap(data, path, _draw):
    parent, value = damage.at(data, path[:-1]), damage.at(data, path)
    if isinstance(value, dict | list) and value:
        parent[path[-1]] = next(iter(value.values() if isinstance(value, dict) else value))


def swap(data, path, draw):
    parent = damage.at(data, path[:-1])
    steps = list(parent) if isinstance(parent, dict) else range(len(parent))
    other = draw.choice(list(steps))
    parent[path[-1]], parent[other] = parent[other], parent[path[-1]]


def move(data, path, draw):
    value = copy.deepcopy(damage.at(data, path))
    target = damage.at(data, draw.choice([(), *damage.places(data)]))
    if isinstance(target, dict):
        target[str(path[-1])] = value
    elif isinstance(target, list):
        target.append(value)


TREE = (delete, duplicate, retype, retype, retype, rename, wrap, unwrap, swap, move)


def drop_line(lines, at, _draw):
    del lines[at]


def double_line(lines, at, _draw):
    lines.insert(at, lines[at])


def indent(lines, at, draw):
    lines[at] = draw.choice([" ", "  ", "\t", "    "]) + lines[at]


def outdent(lines, at, draw):
    lines[at] = lines[at].removeprefix(" " * draw.choice([1, 2, 4]))


def swap_lines(lines, at, draw):
    other = draw.randrange(len(lines))
    lines[at], lines[other] = lines[other], lines[at]


def truncate(lines, at, draw):
    lines[at:] = [lines[at][: draw.randrange(len(lines[at]) + 1)]]


def put(lines, at, draw):
    column = draw.randrange(len(lines[at]) + 1)
    lines[at] = lines[at][:column] + draw.choice(SIGNS) + lines[at][column:]


def take(lines, at, draw):
    column = draw.randrange(len(lines[at]) + 1)
    lines[at] = lines[at][:column] + lines[at][column + 1 :]


def join(lines, at, _draw):
    lines[at : at + 2] = [" ".join(lines[at : at + 2])]


TEXT = (drop_line, double_line, indent, outdent, swap_lines, truncate, put, put, take, take, join)


def mutant(number, seed, texts, documents):
    """Return the name of the edit and the text of one mutant: always the same for one number and seed."""
    draw = random.Random(f"{seed} {number}")  # noqa: S311 - reproducible, not secret
    name = draw.choice(sorted(documents))
    if draw.random() < 0.5:
        edit, lines = draw.choice(TEXT), texts[name].split("\n")
        edit(lines, draw.randrange(len(lines)), draw)
        return edit.__name__, "\n".join(lines)
    edit, data = draw.choice(TREE), copy.deepcopy(documents[name])
    edit(data, draw.choice(list(damage.places(data))), draw)
    return edit.__name__, json.dumps(data, ensure_ascii=draw.random() < 0.5)


@dataclass
class Score:
    """What became of many mutants: how many were wrong, how many errors, what broke, what was slow."""

    total: int = 0
    wrong: int = 0
    errors: int = 0
    slowest: float = 0.0
    broken: list = field(default_factory=list)
    worst: Counter = field(default_factory=Counter)
    by_edit: dict = field(default_factory=dict)

    @property
    def mean(self):
        """Errors per mutant that has any."""
        return self.errors / max(1, self.wrong)

    def add(self, edit, number, found, seconds):
        self.total += 1
        errors = sum(each.severity == "error" for each in found)
        self.wrong += errors > 0
        self.errors += errors
        self.slowest = max(self.slowest, seconds)
        if errors:
            wrong, total = self.by_edit.get(edit, (0, 0))
            self.by_edit[edit] = wrong + 1, total + errors
        if errors > 1:
            self.worst[edit, number] = errors


def run(bench, numbers, seed):
    """Compile the mutants of some numbers and count."""
    texts, documents = damage.texts(("language",)), damage.documents(("language",))
    score = Score()
    for number in numbers:
        edit, text = mutant(number, seed, texts, documents)
        start = process_time()
        try:
            found = bench.whole(text)
        except Exception as error:  # noqa: BLE001 - any exception is a finding of this test
            score.broken.append((edit, number, repr(error)))
            found = []
        score.add(edit, number, found, process_time() - start)
    return score
