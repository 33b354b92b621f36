"""One task in a pipeline, compiled for an environment that has everything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest
from environments import WITH_EVERYTHING

from dagfactory.compiler.compile import Compiled, compile_spec
from dagfactory.compiler.lower.dag import lower
from dagfactory.dagfile.model import Operator

BEFORE = """
  before: {type: bash, command: echo gs://other/models/7}
  extract: {type: bigquery_to_gcs, source: demo-project.raw.images, destination: "${run.dir}/raw/*.avro"}
"""

Compile = Callable[..., Compiled]
Lowered = Callable[[str], Operator]
Faults = Callable[..., list[tuple[str, str]]]


@pytest.fixture
def compiled(tmp_path: Path) -> Compile:
    """Compile a pipeline whose task `it` has the given body."""

    def made(body: str, environment: str | None = "test", params: str = "{}") -> Compiled:
        folder = tmp_path / "specs"
        (folder / "environments").mkdir(parents=True, exist_ok=True)
        (folder / "environments/test.yaml").write_text(WITH_EVERYTHING)
        head = (
            f"pipeline: demo\nparams: {params}\ntasks:{BEFORE if environment else chr(10)}  it:\n"
        )
        (folder / "demo.yaml").write_text(head + indent(dedent(body).strip(), "    ") + "\n")
        return compile_spec(folder / "demo.yaml", environment)

    return made


@pytest.fixture
def lowered(compiled: Compile) -> Lowered:
    """Return the operator call that task `it` becomes."""

    def made(body: str) -> Operator:
        result = compiled(body)
        assert result.plan, result.diagnostics
        members = lower(result.plan, source="specs/demo.yaml").members
        return next(each for each in members if isinstance(each, Operator) and each.id == "it")

    return made


@pytest.fixture
def arguments(lowered: Lowered) -> Callable[[str], dict[str, Any]]:
    """Return the arguments that the real operator of task `it` gets when it runs."""
    return lambda body: lowered(body).arguments["arguments"]


@pytest.fixture
def faults(compiled: Compile) -> Faults:
    """Return code and message of everything that is wrong with task `it`."""
    return lambda body, environment="test": [
        (each.code, each.message) for each in compiled(body, environment).diagnostics
    ]
