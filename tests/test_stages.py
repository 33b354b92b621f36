"""`make test`: one stage's failure does not hide what the others say."""

from __future__ import annotations

import sys
from pathlib import Path

import processes
from paths import ROOT

MAKEFILE = """
lint:
\t@echo 'a line is too long'; exit 1
unit:
\t@echo '=== 2 failed, 4217 passed, 5 skipped in 478.13s (0:07:58) ==='; exit 1
e2e:
\t@echo '70 passed in 3.10s'; sleep 60 & read line || echo 'no input'
"""


def test_all_stages_run_and_the_table_names_those_that_failed(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text(MAKEFILE)
    command = [sys.executable, "-P", "-m", "tools.stages", "lint", "unit", "e2e"]
    done = processes.run(
        command,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        timeout=50,  # what a stage leaves behind does not hold it up
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    shown, _, table = done.stdout.partition("\nstage ")
    assert "a line is too long" in shown
    assert "no input" in shown
    rows = [line.split(maxsplit=3) for line in table.splitlines()[1:]]
    assert [(row[0], row[1], *row[3:]) for row in rows] == [
        ("lint", "FAILED"),
        ("unit", "FAILED", "2 failed, 4217 passed, 5 skipped in 478.13s (0:07:58)"),
        ("e2e", "passed", "70 passed in 3.10s"),
    ]
