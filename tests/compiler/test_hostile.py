"""Hostile strings in every string position of a spec: refused with a diagnostic, or carried as data.

Every payload is put into every position at once; positions whose field refuses it get their own value
back, until the spec is accepted. Then the rendered tree must have the shape of the benign one, and every
payload must come back as the constant it was.
"""

from __future__ import annotations

import ast
import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import processes
import pytest
from corpora import hostile_strings
from size import sampled

from dagfactory.compiler.build import build
from dagfactory.document.reference import escape

ENVIRONMENT = """
environment: test
project: demo-project
region: us-central1
bucket: gs://demo-bucket
dags: gs://composer/dags/ml
"""
SPEC: dict[str, Any] = {
    "pipeline": "hostile",
    "description": "a",
    "owner": "b",
    "doc": "c",
    "tags": ["d"],
    "params": {"p": {"type": "string", "default": "e", "title": "f", "description": "g"}},
    "defaults": {"image": "h", "pool": "i", "queue": "j", "machine": {"type": "k"}},
    "alerts": {
        "on_failure": [
            {"slack": {"connection": "e1", "channel": "e2", "message": "e3"}},
            {"email": {"to": ["e4"], "subject": "e5", "body": "e6", "sender": "e7"}},
        ],
        "on_run_failure": [{"pagerduty": {"connection": "e8", "message": "e9"}}],
        "deadline": {
            "within": "8h",
            "notify": [{"webhook": {"connection": "f1", "body": {"x": "f2"}}}],
        },
    },
    "tasks": {
        "one": {
            "alerts": {"on_retry": [{"python": {"callable": "a.b", "args": {"x": ["f3"]}}}]},
            "type": "train",
            "doc": "l",
            "image": "m",
            "module": "own.program",
            "args": {"x": "n", "y": ["o"]},
            "env": {"A": "p"},
            "labels": {"team": "q"},
            "network": "r",
            "tensorboard": "s",
            "pool": "t",
            "queue": "u",
            "machine": {"type": "v", "accelerator": {"type": "w"}, "fallback": [{"type": "x"}]},
        },
        "cmd": {
            "type": "train",
            "command": ["y", "z"],
            "service_account": "a1@p.iam.gserviceaccount.com",
        },
        "shell": {"type": "bash", "command": "a2", "env": {"B": "a3"}, "cwd": "a4"},
        "call": {"type": "python", "callable": "a.b", "args": {"k": {"a5": ["a6"]}}},
        "any": {"type": "operator", "operator": "a.b.C", "args": {"k": "a7", "m": {"n": "a8"}}},
        "lazy": {"type": "operator", "operator": "a.b.C", "lazy": True, "args": {"k": "a9"}},
        "sweep": {
            "type": "sweep",
            "module": "own.program",
            "metric": {"name": "b1", "goal": "maximize"},
            "parameters": {"lr": {"values": ["b2", "b3"]}},
            "include": [{"lr": "b4"}],
        },
        "valid": {
            "type": "validate_checkpoint",
            "checkpoint": "gs://bucket/b5",
            "require": {"states": ["b6"]},
        },
        "measure": {"type": "evaluate", "model": "gs://bucket/b7", "module": "own.program"},
        "gate": {"type": "gate", "metrics": "b8", "when": 'x == "b9"', "then": ["end"]},
        "register": {
            "type": "upload_model",
            "artifact": "gs://bucket/c1",
            "name": "c2",
            "description": "c3",
            "serving": {"image": "c4", "predict": "c5", "health": "c6"},
            "aliases": ["c7"],
            "labels": {"x": "c8"},
        },
        "serve": {"type": "deploy", "model": "c9", "endpoint": "d1", "machine": {"type": "d2"}},
        "export": {"type": "bigquery_to_gcs", "source": "d3", "destination": "gs://bucket/d4"},
        "box": {"type": "group", "doc": "d5", "tasks": {"inner": {"type": "empty", "doc": "d6"}}},
        "end": {"type": "empty"},
    },
}
FIXED = {"pipeline", "goal", "module", "operator", "callable", "when", "then"}
FIXED |= {"service_account", "within"}
ADDRESSES = {"checkpoint", "artifact", "destination"}
MACHINES = ("machine", "accelerator", "fallback")
Path_ = tuple[str | int, ...]


def positions(value: Any, path: Path_ = ()) -> list[Path_]:
    """Return the path of every string that a user writes freely."""
    if isinstance(value, str):
        return [] if _fixed(path) else [path]
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [found for key, item in items for found in positions(item, (*path, key))]


def _fixed(path: Path_) -> bool:
    """Say whether the language gives the words of this position."""
    free_type = path[-1] == "type" and any(name in path for name in MACHINES)
    return not free_type and any(key in (*FIXED, "type") for key in path if key != "machine")


POSITIONS = positions(SPEC)


def quoted(text: str) -> str:
    """Write a YAML double-quoted scalar, everything unusual escaped."""
    out = []
    for character in text:
        code = ord(character)
        if character in '"\\':
            out.append("\\" + character)
        elif character.isprintable() and code < 0xFFFF:
            out.append(character)
        else:
            out.append(f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}")
    return '"' + "".join(out) + '"'


def yaml(value: Any) -> str:
    """Write data as flow YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)}: {yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(yaml, value)) + "]"
    if isinstance(value, str):
        return quoted(value)
    return {True: "true", False: "false"}.get(value, str(value))


def with_payload(payload: str, where: set[Path_]) -> dict[str, Any]:
    made = copy.deepcopy(SPEC)
    for path in where:
        target: Any = made
        for key in path[:-1]:
            target = target[key]
        address = path[-1] in ADDRESSES or path[1:] == ("measure", "model")
        target[path[-1]] = f"gs://bucket/{payload}" if address else payload
    return made


def pools(spec: dict[str, Any]) -> str:
    """Declare the pools that a spec names, as far as Airflow could have them."""
    named = {spec["defaults"]["pool"], spec["tasks"]["one"]["pool"]}
    fine = {name for name in named if name.strip() and len(name) <= 250 and name.isprintable()}
    return f"pools: {yaml({name: {'slots': 2} for name in fine})}\n"


def machines(spec: dict[str, Any]) -> str:
    """Vouch for the machine types that a spec names, as far as they are texts."""
    one = spec["tasks"]["one"]["machine"]
    named = {spec["defaults"]["machine"]["type"], one["type"], one["fallback"][0]["type"]}
    named.add(spec["tasks"]["serve"]["machine"]["type"])
    return f"machines: {yaml(sorted(name for name in named if name.strip()))}\n"


class Bench:
    """A folder with one spec that is written and rendered again and again."""

    def __init__(self, folder: Path) -> None:
        self.environment = folder / "specs/environments/test.yaml"
        self.environment.parent.mkdir(parents=True)
        self.spec = folder / "specs/hostile.yaml"

        self.benign: dict[frozenset[Path_], str] = {}

    def expected(self, where: set[Path_]) -> str:
        """Return what the benign text in these positions gives: most payloads keep the same ones."""
        kept = frozenset(where)
        if kept not in self.benign:
            text, found = self.render(with_payload("benign", where))
            assert text is not None, found
            self.benign[kept] = text
        return self.benign[kept]

    def render(self, spec: dict[str, Any]) -> tuple[str | None, list[Any]]:
        self.spec.write_text(yaml(spec), encoding="utf-8", errors="surrogatepass")
        text = ENVIRONMENT + pools(spec) + machines(spec)
        self.environment.write_text(text, encoding="utf-8", errors="surrogatepass")
        built = build([self.spec], "test")
        text = built.bundle.dags["hostile.py"] if built.bundle else None
        return text, built.diagnostics


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a tool of this environment."""
    return processes.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, check=False
    )


def shape(text: str) -> str:
    """Return the syntax tree with every constant hidden and imports' runtime hash kept."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.dump(tree)


def constants(text: str) -> list[str]:
    return [
        node.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("hostile"))


def test_the_benign_spec_renders(bench: Bench) -> None:
    text, found = bench.render(SPEC)
    assert text, found
    assert len(POSITIONS) >= 55


def test_every_payload_in_every_position(bench: Bench, tmp_path: Path) -> None:
    carried = 0
    everything = [item for item in hostile_strings() if item]  # an empty text counts as left out
    payloads = everything[:100] + sampled(everything[100:], 200)  # all of our own, some of others
    for payload in payloads:
        where = set(POSITIONS)
        for _ in range(len(POSITIONS)):
            text, found = bench.render(with_payload(escape(payload), where))
            if text is not None:
                break
            assert found, repr(payload)
            where -= _reported(found, bench, where)
        assert text is not None, (payload, found)
        carried += len(where)
        _same(bench, payload, text, where)
        (tmp_path / f"dag_{len(list(tmp_path.iterdir()))}.py").write_text(text, encoding="utf-8")
    formatted = run(["ruff", "format", "--isolated", "--diff", str(tmp_path)])
    assert formatted.returncode == 0, formatted.stdout[:2000]
    assert len(everything) >= 860
    assert carried > 0.9 * len(payloads) * len(POSITIONS)


def _same(bench: Bench, payload: str, text: str, where: set[Path_]) -> None:
    """Compare with the benign spec that keeps the same positions, and look for the payload."""
    expected = bench.expected(where)
    assert shape(text) == shape(expected), repr(payload)
    marks = sum(value.count("benign") for value in constants(expected))
    assert sum(_count(value, payload) for value in constants(text)) >= marks
    assert all(line.isprintable() for line in text.split("\n")), repr(payload)


def _count(value: str, payload: str) -> int:
    """Count a payload in a constant, also where JSON (a list argument) has quoted it."""
    import json

    inside = json.dumps(payload)[1:-1]
    return max(value.count(payload), value.count(inside)) if payload else 0


def _reported(found: list[Any], bench: Bench, where: set[Path_]) -> set[Path_]:
    """Return the positions that the diagnostics point at."""
    from dagfactory.compiler.parse import load_file

    node = load_file(bench.spec).node
    if node is None:
        return set(where)
    spans = [item.span for item in found if item.span]
    hit = {
        path
        for path in where
        if (at := node.find(path)) is not None
        and any(at.span.holds(span) or span.holds(at.span) for span in spans)
    }
    return hit or set(where)
