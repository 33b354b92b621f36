"""`dagfactory graph`: pictures that their readers accept, whatever the tasks are called."""

from __future__ import annotations

import json
import re

import pytest

from dagfactory.__main__ import run

SPEC = """pipeline: p
tasks:
  end: {type: empty}
  subgraph: {type: gate, metrics: "gs://bucket/m.json", when: a > 1, then: [box], else: [style], after: [end]}
  box:
    type: group
    tasks:
      class: {type: empty}
      inner: {type: group, tasks: {default: {type: bash, command: x}}, after: [class]}
  style: {type: empty}
  graph_2: {type: empty, after: [box, style], trigger_rule: none_failed_min_one_success}
"""
WORDS = [
    "end",
    "subgraph",
    "class",
    "default",
    "style",
    "graph",
    "flowchart",
    "click",
    "href",
    "direction",
]
ID = r"[A-Za-z_][A-Za-z0-9_]*"
NODE = re.compile(rf'\s+({ID})(\[\[|\{{\{{|\[|\()"[^"]+"(\]\]|\}}\}}|\]|\))')
EDGE = re.compile(rf"    ({ID}) (-->|-\.(then|else)\.->) ({ID})")
SUBGRAPH = re.compile(rf'\s+subgraph ({ID})\["[^"]+"\]')


@pytest.fixture
def spec(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yaml").write_text(SPEC)
    return tmp_path / "p.yaml"


def drawn(capsys, *arguments):
    assert run(["graph", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_mermaid_has_no_word_of_its_own_as_a_node(spec, capsys):
    first, *lines = drawn(capsys, spec).splitlines()
    assert first == "flowchart TD"
    names, depth = set(), 0
    for line in lines:
        found = SUBGRAPH.fullmatch(line) or NODE.fullmatch(line) or EDGE.fullmatch(line)
        assert found or line.strip() == "end", line
        depth += bool(SUBGRAPH.fullmatch(line)) - (line.strip() == "end")
        names |= {each for each in (found.groups() if found else ()) if each and each[0].isalpha()}
    assert depth == 0
    assert not names & set(WORDS)
    assert "T_end --> T_subgraph" in "\n".join(lines)


def test_dot_ends_edges_at_the_border_of_a_group(spec, capsys):
    out = drawn(capsys, spec, "--format", "dot")
    assert 'subgraph "cluster_box" {' in out
    assert '  "subgraph" -> "class" [lhead="cluster_box"];' in out
    assert '  "class" -> "default" [lhead="cluster_inner"];' in out
    assert out.count("{") == out.count("}")
    nodes = set(re.findall(r'"(\w+)" \[label', out))
    ends = set(re.findall(r'"(\w+)" -> "(\w+)"', out))
    assert {name for pair in ends for name in pair} <= nodes


def test_json_has_all_tasks_and_edges(spec, capsys):
    data = json.loads(drawn(capsys, spec, "--format", "json"))
    assert {"id": "default", "type": "bash", "groups": ["box", "inner"]} in data["tasks"]
    assert {"from": "subgraph", "to": "style", "why": "branch"} in data["edges"]


def test_a_folder_of_several_specs_is_not_one_picture(spec, capsys):
    (spec.parent / "q.yaml").write_text(SPEC.replace("pipeline: p", "pipeline: q"))
    assert run(["graph", str(spec.parent)]) == 2
    assert "2 specs; name the one to draw" in capsys.readouterr().err


def test_a_wrong_spec_is_reported_and_not_drawn(spec, capsys):
    spec.write_text(SPEC.replace("after: [end]", "after: [ned]"))
    assert run(["graph", str(spec)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "DF202" in captured.err


def test_nothing_there_is_exit_code_3(spec):
    assert run(["graph", "nothing.yaml"]) == 3
