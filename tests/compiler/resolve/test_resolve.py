import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagfactory.compiler.resolve.layers import Layers, merge_patch, references, resolve
from dagfactory.diagnostics.source import SourceFile
from dagfactory.document.load import load


def tree(text, name="spec.yaml"):
    node, problems = load(SourceFile(name, text))
    assert problems == []
    return node


def resolved(text, defaults=None, environment=None, name="prod"):
    return resolve(
        Layers(
            tree(text),
            tree(defaults, "defaults.yaml") if defaults else None,
            tree(environment, "prod.yaml") if environment else None,
            name if environment else None,
        )
    )


def plain(*texts, **others):
    node, problems = resolved(*texts, **others)
    assert problems == []
    return node.plain()


# RFC 7396, appendix A
RFC = [
    ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
    ('{"a":"b"}', '{"a":null}', "{}"),
    ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
    ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
    ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
    ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
    ('["a","b"]', '["c","d"]', '["c","d"]'),
    ('{"a":"b"}', '["c"]', '["c"]'),
    ('{"a":"foo"}', "null", "null"),
    ('{"a":"foo"}', '"bar"', '"bar"'),
    ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
    ("[1,2]", '{"a":"b","c":null}', '{"a":"b"}'),
    ("{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'),
]


@pytest.mark.parametrize(("base", "patch", "result"), RFC)
def test_merge_patch_is_rfc_7396(base, patch, result):
    assert merge_patch(tree(base), tree(patch)).plain() == json.loads(result)


VALUES = st.recursive(
    st.none() | st.integers(0, 3) | st.sampled_from(["x", "y"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=8,
)


def _merge(target, patch):
    """Run the pseudocode of RFC 7396, section 2."""
    if not isinstance(patch, dict):
        return patch
    target = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        else:
            target[key] = _merge(target.get(key), value)
    return target


@given(VALUES, VALUES)
def test_merge_patch_agrees_with_the_pseudocode(base, patch):
    merged = merge_patch(tree(json.dumps(base)), tree(json.dumps(patch)))
    assert merged.plain() == _merge(base, patch)
    for _, node in merged.walk():
        if isinstance(node.value, dict):
            assert set(node.keys) == set(node.value)


def test_spans_travel_with_values():
    base, patch = tree("a: {x: 1, y: 2}", "base"), tree("a: {x: 3, z: 4}\nb: 5", "patch")
    merged = merge_patch(base, patch)
    files = {path: node.span.file for path, node in merged.walk()}
    assert files == {
        (): "base",
        ("a",): "base",
        ("a", "x"): "patch",
        ("a", "y"): "base",
        ("a", "z"): "patch",
        ("b",): "patch",
    }
    assert merged.span_of(("a", "x"), key=True).file == "patch"
    assert merged.span_of(("a",), key=True).file == "base"


def test_layers_come_in_order():
    spec = "pipeline: p\nc: spec\nd: spec\nenvironments: {prod: {d: patch}}"
    defaults = "a: defaults\nb: defaults\nc: defaults\nd: defaults"
    environment = "environment: prod\npipeline: {b: env, c: env, d: env}"
    found = plain(spec, defaults, environment)
    assert [found[key] for key in "abcd"] == ["defaults", "env", "spec", "patch"]
    assert list(found) == ["pipeline", "c", "d", "environments", "a", "b"]


def test_null_deletes_a_default_and_is_a_value_otherwise():
    spec = "schedule: null\nargs: {x: null}\nenvironments: {prod: {owner: null}}\nowner: me"
    found = plain(spec, "schedule: '@daily'", "environment: prod")
    assert "schedule" not in found
    assert found["args"] == {"x": None}
    assert "owner" not in found


def test_references_take_the_type_of_their_value():
    spec = """
vars: {n: 3, l: [1, 2], m: {deep: {x: 0.5}}, t: "text", "no": false}
a: ${vars.n}
b: ${vars.l}
c: ${vars.m.deep}
d: x-${vars.n}-${vars.t}-${vars.no}
e: ["${vars.t}", {f: "${vars.m.deep.x}"}]
"""
    found = plain(spec)
    assert found["a"] == 3
    assert found["b"] == [1, 2]
    assert found["c"] == {"x": 0.5}
    assert found["d"] == "x-3-text-false"
    assert found["e"] == ["text", {"f": 0.5}]


def test_variables_refer_to_each_other_and_to_the_environment():
    spec = "vars: {a: '${vars.b}/x', b: '${env.bucket}/${env.name}'}\nc: ${vars.a}"
    found = plain(spec, None, "environment: prod\nbucket: gs://b")
    assert found["c"] == "gs://b/prod/x"
    assert found["vars"]["a"] == "gs://b/prod/x"


def test_variables_merge_in_the_order_of_layers():
    patch = "environments: {prod: {vars: {d: patch}}}"
    spec = f"vars: {{c: spec, d: spec}}\n{patch}\nr: ${{vars.a}}${{vars.b}}${{vars.c}}${{vars.d}}"
    defaults = "vars: {a: 1, b: 1, c: 1}"
    environment = "environment: prod\nvars: {b: env, c: env}"
    assert plain(spec, defaults, environment)["r"] == "1envspecpatch"


def test_what_the_plan_replaces_and_escapes_stay():
    text = "a: ${run.dir}/${tasks.x.uri} ${params.p} $${HOME} ${vars.v}\nvars: {v: '$${w}'}"
    assert plain(text)["a"] == "${run.dir}/${tasks.x.uri} ${params.p} $${HOME} $${w}"


def test_patches_are_not_resolved_before_they_are_chosen():
    spec = "pipeline: p\nenvironments: {dev: {owner: '${vars.only_in_dev}'}}"
    assert plain(spec)["environments"]["dev"]["owner"] == "${vars.only_in_dev}"


PROBLEMS = [
    ("a: ${vars.lr}\nvars: {learning_rate: 1}", "DF111", (1, 4), None),
    ("a: ${vars.modle}\nvars: {model: 1}", "DF111", (1, 4), "did you mean `model`?"),
    ("a: 'x ${vars.m.b}'\nvars: {m: {a: 1}}", "DF111", (1, 7), None),
    ("a: ${vars.m.b}\nvars: {m: 3}", "DF111", (1, 4), "define it: `vars: {m.b: ...}`"),
    ("a: ${env.project}", "DF113", (1, 4), None),
    ("a: ${vars.a}\nvars: {a: '${vars.b}', b: 'x ${vars.a}'}", "DF114", (2, 30), None),
    ("a: ${vars.a}\nvars: {a: '${vars.a}'}", "DF114", (2, 12), None),
    ("a: x ${foo.bar}", "DF115", (1, 6), None),
    ("a: x ${env.bar", "DF115", (1, 6), None),
    ("a: x ${vars.l}\nvars: {l: [1]}", "DF116", (1, 6), None),
    ("a: |\n  one\n  ${vars.gone}\n", "DF111", (3, 3), None),
]


@pytest.mark.parametrize(("text", "code", "place", "help_"), PROBLEMS)
def test_references_that_lead_nowhere_are_placed(text, code, place, help_):
    _, (problem,) = resolved(text)
    assert problem.code == code
    assert (problem.span.line, problem.span.column) == place
    assert help_ is None or problem.help == help_


def test_unknown_fields_of_the_environment_list_those_there_are():
    _, (problem,) = resolved(
        "a: ${env.projct}", None, "environment: prod\nproject: p\nvars: {x: 1}"
    )
    assert problem.code == "DF112"
    assert problem.help == "did you mean `project`? (defined: `name`, `project`)"
    assert problem.labels[0].span.file == "prod.yaml"


def test_a_broken_variable_is_reported_where_it_is_written_only():
    _, problems = resolved("a: ${vars.x}\nb: ${vars.x}\nvars: {x: '${vars.gone}'}")
    assert [(each.code, each.span.line) for each in problems] == [("DF111", 3)]


def test_values_remember_where_they_come_from():
    node, _ = resolved("vars: {n: {x: 3}}\na: ${vars.n}")
    found = node.find(("a", "x"))
    assert (found.span.line, found.span.column) == (2, 4)
    assert (found.origin.line, found.origin.column) == (1, 15)


def test_references_are_found_with_their_places():
    node = tree("a: 'x ${tasks.t.uri} ${run.dir}'\nb: plain\nc: ${bad")
    found = references(node.find(("a",)))
    assert [(str(ref), span.column) for ref, span in found] == [
        ("${tasks.t.uri}", 7),
        ("${run.dir}", 22),
    ]
    assert references(node.find(("b",))) == []
    assert references(node.find(("c",))) == []
