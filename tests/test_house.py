"""The house: which rooms there are, what they say of themselves, and that nothing goes in circles."""

import ast
import re
import sys
from pathlib import Path

import networkx as nx
import pytest
from paths import ROOT, TESTS

from dagfactory.compiler import build as building
from dagfactory.compiler import compile as passes

PACKAGE = ROOT / "dagfactory"
ROOMS = sorted(each.parent for each in PACKAGE.glob("*/__init__.py"))
PASSES = sorted(each.parent for each in PACKAGE.glob("compiler/*/__init__.py"))
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("dagfactory", "trainer")
    for path in (ROOT / package).rglob("*.py")
}


def imported(path: Path) -> set[str]:
    """Return our modules that a module imports anywhere: at its top, in functions, for types."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{each.name}" for each in node.names}
            found |= names & MODULES.keys() or {node.module}
            found |= {node.module} if names - MODULES.keys() else set()
    return found & MODULES.keys()


def test_the_root_holds_rooms_and_two_files():
    files = {each.name for each in PACKAGE.iterdir() if each.is_file()}
    assert files <= {"__init__.py", "__main__.py", "py.typed"}
    folders = {each for each in PACKAGE.iterdir() if each.is_dir() and each.name != "__pycache__"}
    assert folders == set(ROOMS)


@pytest.mark.parametrize("room", [*ROOMS, *PASSES], ids=lambda room: room.name)
def test_a_room_says_what_belongs_there_and_what_it_may_import(room):
    said = ast.get_docstring(ast.parse((room / "__init__.py").read_text())) or ""
    assert "say here what belongs" not in said
    assert re.search(r"\b[Ii]mports?\b", said), f"{room.name}: {said}"


def test_nothing_imports_in_a_circle():
    graph = nx.DiGraph()
    graph.add_edges_from(
        (name, other) for name, path in MODULES.items() for other in imported(path) - {name}
    )
    circles = [sorted(each) for each in nx.strongly_connected_components(graph)]
    assert [each for each in circles if len(each) > 1] == []


def test_the_page_on_architecture_names_every_room():
    page = (ROOT / "docs" / "architecture.md").read_text()
    missing = [each.name for each in ROOMS if f"`{each.name}/`" not in page]
    missing += [each.name for each in PASSES if f"`{each.name}`" not in page]
    assert missing == []


def room_of(code) -> str:
    """Return where a function lives: `dagfactory/X`, or `compiler/X` inside the compiler."""
    path = Path(code.co_filename)
    if not path.is_relative_to(PACKAGE):
        return ""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return "/".join(parts[:2]) if parts[0] == "compiler" else f"dagfactory/{parts[0]}"


def steps(spec: Path) -> list[str]:
    """Return the rooms that the two files call into for one spec, in order, each stay once."""
    here, found = {passes.__file__, building.__file__}, []

    def note(frame, event, _argument):
        caller = frame.f_back
        if event == "call" and caller and caller.f_code.co_filename in here:
            room = room_of(frame.f_code)
            if room not in ("", "compiler/compile", "compiler/build", *found[-1:]):
                found.append(room)

    sys.setprofile(note)
    try:
        built = building.build([spec], "prod")
    finally:
        sys.setprofile(None)
    assert built.bundle
    return found


CARRIED = ("dagfactory/diagnostics", "compiler/outcome", "compiler/fork")
"""Not rooms on the way: findings and outcomes are what is handed on, and a fork is where a pass runs."""


def test_a_spec_goes_through_each_room_once():
    path = [each for each in steps(ROOT / "specs" / "arr_coc.yaml") if each not in CARRIED]
    path = [each for at, each in enumerate(path) if each != path[at - 1] or not at]
    sys.stdout.write(" → ".join(path) + "\n")
    assert path == [
        "compiler/parse",
        "compiler/resolve",
        "compiler/validate",
        "compiler/plan",
        "compiler/lint",
        "dagfactory/project",
        "compiler/lower",
        "dagfactory/dagfile",
        "compiler/bundle",
    ]


def folders(parent: Path) -> set[str]:
    """Return the names of the folders in a folder that hold files of Python."""
    return {each.name for each in parent.iterdir() if any(each.glob("**/*.py"))}


def test_tests_stand_in_the_room_that_they_test():
    rooms = folders(TESTS) - {"trainer", "system", "helpers", "golden", "err"}
    assert rooms <= {each.name for each in ROOMS}
    assert folders(TESTS / "compiler") <= {each.name for each in PASSES}
