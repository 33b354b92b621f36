"""Every `defaults.yaml` on the way from a spec to the top of `specs/` holds, the nearest on top."""

import itertools
from pathlib import Path

import pytest

from dagfactory.__main__ import run
from dagfactory.compiler.compile import compile_spec
from dagfactory.project.specs import defaults_beside

SPEC = "pipeline: p\ntasks:\n  a: {type: bash, command: x}\n"
FOLDERS = ("specs", "specs/team", "specs/team/deep")


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / FOLDERS[-1]).mkdir(parents=True)

    def compiled(files, spec=SPEC, at=FOLDERS[-1]):
        for name, text in files.items():
            Path(name).write_text(text)
        path = Path(at) / "p.yaml"
        path.write_text(spec)
        return compile_spec(path, None)

    return compiled


@pytest.mark.parametrize("names", [*itertools.product(("defaults.yaml", "defaults.yml"), repeat=3)])
@pytest.mark.parametrize("there", [*itertools.product((True, False), repeat=3)])
def test_each_of_them_holds_and_the_nearest_wins(names, there, place):
    chosen = [n for n in range(3) if there[n]]
    files = {f"{FOLDERS[n]}/{names[n]}": f"owner: from-{n}\nvars: {{v{n}: here}}\n" for n in chosen}
    made = place(files).plan
    assert made.pipeline.owner == (f"from-{chosen[-1]}" if chosen else None)
    assert set(made.pipeline.vars) == {f"v{n}" for n in chosen}


def test_mappings_are_merged_and_the_spec_is_on_top(place):
    made = place(
        {
            "specs/defaults.yaml": "tags: [a]\ndefaults: {retries: {attempts: 3}, queue: slow}\n",
            "specs/team/defaults.yaml": "tags: [b]\ndefaults: {queue: fast}\n",
        },
        SPEC + "defaults: {priority: 4}\n",
    ).plan.pipeline
    assert made.tags == ["b"]
    given = made.defaults
    assert (given.retries.attempts, given.queue, given.priority) == (3, "fast", 4)


def test_null_takes_away_what_stands_above(place):
    files = {"specs/defaults.yaml": "owner: us\n", "specs/team/defaults.yaml": "owner: null\n"}
    assert place(files).plan.pipeline.owner is None


def test_a_mistake_is_placed_in_its_own_file(place):
    found = place(
        {
            "specs/defaults.yaml": "owenr: us\n",
            "specs/team/defaults.yaml": "tgas: [a]\n",
            "specs/team/deep/defaults.yaml": "catchup: no\n",
        }
    ).diagnostics
    assert [(each.code, each.span.file) for each in found] == [
        ("DF120", "specs/defaults.yaml"),
        ("DF122", "specs/team/deep/defaults.yaml"),
        ("DF120", "specs/team/defaults.yaml"),
    ]


def test_a_spec_higher_up_sees_nothing_of_those_below(place):
    files = {"specs/defaults.yaml": "owner: us\n", "specs/team/defaults.yaml": "owner: them\n"}
    assert place(files, at="specs").plan.pipeline.owner == "us"


def test_nothing_above_specs_holds(place):
    Path("defaults.yaml").write_text("owner: nobody\n")
    assert place({}).plan.pipeline.owner is None
    assert defaults_beside(Path("specs/p.yaml")) == []


def test_a_render_sees_a_change_in_the_upper_one(place, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("DAGFACTORY_CACHE", str(tmp_path / "cache"))
    place({"specs/defaults.yaml": "owner: us\n", "specs/team/defaults.yaml": "tags: [a]\n"})
    assert run(["render"]) == 0
    Path("specs/defaults.yaml").write_text("owner: them\n")
    assert run(["render"]) == 0
    assert "'them'" in Path("build/dags/p.py").read_text().replace('"', "'")
    Path("specs/team/deep/defaults.yml").write_text("owner: nearest\n")
    assert run(["render"]) == 0
    assert "nearest" in Path("build/dags/p.py").read_text()
    capsys.readouterr()
