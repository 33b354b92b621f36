"""What `run` executes is what `render` writes, byte for byte."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dagfactory.run.prepare import prepare

ROOT = Path(__file__).resolve().parents[2]


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_emulator_gets_the_project_and_the_fixtures_of_the_specs(tmp_path: Path) -> None:
    prepared = prepare(
        ROOT / "specs/examples/basic_chain.yaml", environment="local", into=tmp_path / "dags"
    )
    given = dict(zip(prepared.emulator[::2], prepared.emulator[1::2], strict=True))
    assert given == {"--project": "arr-coc-local", "--fixtures": str(ROOT / "specs/fixtures")}


def test_run_and_render_make_the_same_bytes(tmp_path: Path) -> None:
    out = tmp_path / "rendered"
    command = [sys.executable, "-m", "dagfactory", "render", "specs/arr_coc.yaml", "--env", "local"]
    subprocess.run([*command, "--out", str(out)], cwd=ROOT, check=True, capture_output=True)
    prepared = prepare(ROOT / "specs/arr_coc.yaml", environment="local", into=tmp_path / "dags")
    assert prepared.dag_id == "arr_coc"
    assert files(tmp_path / "dags/ml_pipelines") == files(out)
    assert len(files(out)) > 10
