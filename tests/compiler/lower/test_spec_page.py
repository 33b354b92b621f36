"""The page of a DAG: its description and its spec, with references as they are written."""

from __future__ import annotations

from pathlib import Path

from dagfactory.compiler.compile import compile_spec
from dagfactory.compiler.lower.spec_page import MAX_SPEC, spec_page

HEAD = "pipeline: p\ndescription: Trains.\n"


def page(folder: Path, text: str) -> str | None:
    path = folder / "p.yaml"
    path.write_text(text)
    made = compile_spec(path, None)
    assert made.plan, made.diagnostics
    return spec_page(made.plan).get("doc_md")


def test_description_and_spec_without_comments_and_with_references(tmp_path: Path) -> None:
    task = "a: {type: bash, command: 'echo $X', env: {X: '${params.x}'}}"
    text = f"{HEAD}params: {{x: {{type: integer, default: 1}}}}\ntasks:\n  # why\n  {task}\n"
    assert page(tmp_path, text) == (
        "Trains.\n\nThe spec:\n\n```yaml\npipeline: p\nparams:\n  x:\n    type: integer\n    default: 1\n"
        "tasks:\n  a:\n    type: bash\n    command: echo $X\n    env:\n      X: ${params.x}\n```"
    )


def test_a_page_of_its_own_is_left_alone(tmp_path: Path) -> None:
    assert page(tmp_path, f"{HEAD}doc: '# Why'\ntasks: {{a: {{type: empty}}}}\n") is None


def test_vars_are_left_out_which_stand_where_they_are_used(tmp_path: Path) -> None:
    found = page(tmp_path, f"{HEAD}vars: {{internal: 7}}\ntasks: {{a: {{type: empty}}}}\n")
    assert found
    assert "internal" not in found


def test_a_fence_is_longer_than_those_inside(tmp_path: Path) -> None:
    found = page(tmp_path, f"{HEAD}tasks: {{a: {{type: bash, command: 'echo ````x````'}}}}\n")
    assert found
    assert found.endswith("\n`````")


def test_a_long_spec_is_left_out(tmp_path: Path) -> None:
    tasks = "".join(f"  t{n}: {{type: empty}}\n" for n in range(MAX_SPEC // 20))
    found = page(tmp_path, f"{HEAD}tasks:\n{tasks}")
    assert (
        found
        == f"Trains.\n\nThe spec:\n\nIt is too long to be shown here: {2 + MAX_SPEC // 10} lines."
    )
