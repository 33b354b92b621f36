"""All mistakes at once: wrong values do not hide names that lead nowhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import processes
import pytest

SPEC = """\
pipeline: many
schedule: "0 25 * * 1"
start_date: 2026-01-05
tasks:
  first: {type: bash, comand: echo}
  box:
    type: group
    tasks:
      inner: {type: bash, command: "echo ${tasks.frist.result}"}
  gate:
    type: gate
    metrics: gs://bucket-name/metrics.json
    when: accuracy >=
    then: [inner, innre]
  last: {type: empty, after: [gat], pool_slots: none}
"""
EXPECTED = [
    (2, "25", "DF123"),
    (5, "comand", "DF120"),
    (9, "${tasks.frist.result}", "DF202"),
    (13, None, "DF211"),
    (14, "innre", "DF202"),
    (15, "gat", "DF202"),
    (15, "none", "DF122"),
]


@pytest.fixture
def reported(tmp_path: Path) -> subprocess.CompletedProcess[str]:
    spec = tmp_path / "many.yaml"
    spec.write_text(SPEC)
    command = [sys.executable, "-m", "dagfactory", "check", spec.name, "--format", "concise"]
    return processes.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)


def test_seven_mistakes_are_seven_sorted_findings(
    reported: subprocess.CompletedProcess[str],
) -> None:
    assert reported.returncode == 1
    assert "Traceback" not in reported.stdout + reported.stderr
    lines = SPEC.splitlines()
    found = [line.split(":", 3) for line in reported.stdout.splitlines()]
    assert len(found) == len(EXPECTED), reported.stdout
    for (_, line, column, text), (number, marked, code) in zip(found, EXPECTED, strict=True):
        assert int(line) == number
        assert code in text
        if marked:
            assert lines[number - 1][int(column) - 1 :].startswith(marked)
