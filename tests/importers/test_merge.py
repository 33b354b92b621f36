"""dag-factory's layers, as its loader merges them."""

from dagfactory.diagnostics.source import SourceFile
from dagfactory.importers._merge import with_defaults
from dagfactory.importers._yaml11 import load


def tree(text):
    node, problems = load(SourceFile("a.yml", text))
    assert problems == []
    return node


def merged(dag, default="{}", *files):
    return with_defaults(tree(dag), tree(default), [tree(each) for each in files]).plain()


def test_mappings_merge_at_every_depth_and_the_dag_wins():
    found = merged("{a: {b: 1, c: {d: 2}}, l: [1]}", "{a: {b: 9, c: {e: 3}}, l: [2], n: 4}")
    assert found == {"a": {"b": 1, "c": {"d": 2, "e": 3}}, "l": [1], "n": 4}


def test_default_args_come_from_all_layers():
    found = merged(
        "{default_args: {owner: dag}}",
        "{default_args: {owner: block, retries: 1}}",
        "{default_args: {owner: far, retries: 9, pool: far, queue: far}}",
        "{default_args: {pool: near}}",
    )
    expected = {"owner": "dag", "retries": 1, "pool": "near", "queue": "far"}
    assert found == {"default_args": expected}


def test_other_keys_of_files_are_replaced_as_a_whole():
    found = merged("{params: {a: 1}}", "{params: {b: 2}}", "{params: {c: 3}, catchup: false}")
    assert found == {"params": {"a": 1, "b": 2}, "catchup": False}


def test_only_tags_of_files_add_up():
    assert merged("{}", "{}", "{tags: [b, a]}", "{tags: [c, a]}") == {"tags": ["a", "b", "c"]}
    assert merged("{tags: [own]}", "{tags: [block]}", "{tags: [far]}") == {"tags": ["own"]}


def test_merge_keys_are_yaml_s():
    found = tree("a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], z: 3}\n").plain()
    assert found["c"] == {"x": 1, "y": 1, "z": 3}
