"""Groups with `for_each`: what is written out, what names mean inside and outside, and what is refused."""

import pytest

from dagfactory.compiler.resolve.layers import Layers, resolve
from dagfactory.diagnostics.source import SourceFile
from dagfactory.document.load import load


def resolved(text):
    node, problems = load(SourceFile("spec.yaml", text))
    assert problems == []
    return resolve(Layers(node))


def tasks(text):
    node, problems = resolved(text)
    assert problems == []
    return node.plain()["tasks"]


def found(text):
    return [each.code for each in resolved(text)[1]]


def group(items, inner, outside=""):
    return f"tasks:\n  g: {{type: group, for_each: {items}, tasks: {{{inner}}}}}\n{outside}"


def only(made, name):
    return made["g"]["tasks"][f"g_{name}"]["tasks"]


def test_each_item_has_a_group_with_its_values_and_their_types():
    made = tasks(
        group("[{name: de, lr: 1e-4}]", 'a: {lr: "${each.lr}", say: "${each.name} $${x}"}')
    )
    assert only(made, "de") == {"a_de": {"lr": 1e-4, "say": "de $${x}"}}
    assert set(made["g"]) == {"type", "tasks"}


@pytest.mark.parametrize(
    ("item", "name"),
    [
        ("eu", "eu"),
        ("US West", "us_west"),
        ("2024", "2024"),
        ("0.5", "0_5"),
        ("true", "0"),
        ("日本", "0"),
        ("{lr: 1}", "0"),
        ("{name: Big, lr: 1}", "big"),
        ("x" * 25, "0"),
    ],
)
def test_ids_end_with_the_name_of_the_item(item, name):
    assert only(tasks(group(f"[{item}]", "a: {}")), name) == {f"a_{name}": {}}


def test_inside_names_mean_the_same_item():
    inner = (
        'a: {}, b: {after: [a, o], x: "${tasks.a.dir}/${run.dir}", y: ["${tasks.o.dir}"]},'
        "c: {then: b, else: [o], teardown: {of: [a]}, args: {after: a}}"
    )
    made = only(tasks(group("[eu, us]", inner, "  o: {}")), "us")
    assert made["b_us"]["after"] == ["a_us", "o"]
    assert made["b_us"]["x"] == "${tasks.a_us.dir}/${run.dir}"
    assert made["b_us"]["y"] == ["${tasks.o.dir}"]
    assert made["c_us"]["then"] == "b_us"
    assert made["c_us"]["teardown"] == {"of": ["a_us"]}
    assert made["c_us"]["args"] == {"after": "a"}


def test_outside_a_name_stands_for_those_of_all_items():
    outside = (
        '  o: {after: [a, g], all: "${tasks.a.dir}", some: ["${tasks.a.dir}", x],'
        ' one: "${tasks.a_us.dir}", then: a}'
    )
    made = tasks(group("[eu, us]", "a: {}", outside))["o"]
    every = ["${tasks.a_eu.dir}", "${tasks.a_us.dir}"]
    assert made == {
        "after": ["a_eu", "a_us", "g"],
        "all": every,
        "some": [*every, "x"],
        "one": every[1],
        "then": ["a_eu", "a_us"],
    }


def test_one_item_is_a_list_too():
    assert tasks(group("[eu]", "a: {}", '  o: {x: "${tasks.a.dir}"}'))["o"]["x"] == [
        "${tasks.a_eu.dir}"
    ]


def test_a_task_inside_keeps_items_of_its_own():
    inner = 'a: {for_each: "${each.years}", command: "echo ${each}"}'
    made = only(tasks(group("[{name: de, years: [1, 2]}]", inner)), "de")
    assert made == {"a_de": {"for_each": [1, 2], "command": "echo ${each}"}}


def test_groups_over_items_nest():
    inner = (
        'h: {type: group, for_each: "${each.n}", tasks: {a: {x: "${each}"}}},'
        'b: {x: "${tasks.a.dir}"}'
    )
    items = "[{name: p, n: [1, 2]}, {name: q, n: [3]}]"
    made = tasks(group(items, inner, '  o: {x: "${tasks.a.dir}"}'))
    p = only(made, "p")
    assert p["h_p"]["tasks"]["h_2_p"]["tasks"] == {"a_2_p": {"x": 2}}
    assert p["b_p"]["x"] == ["${tasks.a_1_p.dir}", "${tasks.a_2_p.dir}"]
    every = ("a_1_p", "a_2_p", "a_3_q")
    assert made["o"]["x"] == [f"${{tasks.{each}.dir}}" for each in every]


def test_a_plain_group_around_it_changes_nothing():
    text = "tasks: {g: {type: group, tasks: {h: {type: group, for_each: [x], tasks: {a: {}}}}}}"
    assert tasks(text)["g"]["tasks"]["h"]["tasks"] == {
        "h_x": {"type": "group", "tasks": {"a_x": {}}}
    }


@pytest.mark.parametrize(
    ("items", "code"),
    [
        ("[]", "DF365"),
        ("eu", "DF365"),
        ("{a: 1}", "DF365"),
        ('"${params.p}"', "DF365"),
        ('"${tasks.x.result}"', "DF365"),
        ("[eu, EU]", "DF366"),
        ("[1, '1']", "DF366"),
    ],
)
def test_items_that_cannot_be_written_out_are_one_finding(items, code):
    text = group(items, 'a: {x: "${each}", y: "${each.k}"}')
    assert found(text) == [code]
    assert resolved(text)[0].plain()["tasks"]["g"] == {
        "type": "group",
        "tasks": {"a": {"x": "$${each}", "y": "$${each.k}"}},
    }


def test_a_list_is_no_part_of_a_text():
    assert found(group("[eu]", "a: {}", '  o: {x: "echo ${tasks.a.dir}"}')) == ["DF367"]


def test_items_multiply_within_a_limit():
    items = f"[{', '.join(map(str, range(1000)))}]"
    inner = f"h: {{type: group, for_each: {items}, tasks: {{a: {{}}}}}}"
    assert "DF107" in found(group(items, inner))


def test_what_items_bring_into_texts_is_limited_too():
    item = f"{{name: x, n: [{', '.join(['1'] * 2000)}]}}"
    texts = ", ".join(['"${each.n}"'] * 100)
    assert "DF107" in found(group(f"[{item}]", f"a: {{x: [{texts}]}}"))


def test_null_is_no_items():
    assert tasks(group("null", "a: {}"))["g"]["tasks"] == {"a": {}}


def test_what_is_said_of_the_whole_stays_with_the_whole():
    text = """
tasks:
  o: {}
  g: {type: group, for_each: [eu], after: [o], doc: "for ${each}", parallel: 1, tasks: {a: {}}}
"""
    node, problems = resolved(text)
    assert [each.code for each in problems] == ["DF214"]
    assert node.plain()["tasks"]["g"] == {
        "type": "group",
        "after": ["o"],
        "tasks": {"g_eu": {"type": "group", "doc": "for eu", "tasks": {"a_eu": {}}}},
    }
