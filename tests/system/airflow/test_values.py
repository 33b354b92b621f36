"""A value of a run in a shell's command is run, whatever quotes stand around it; in a variable it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from dag_test import dag_test
from templated import findings

pytestmark = pytest.mark.airflow

HEAD = """\
pipeline: p
defaults: {retries: {attempts: 0}}
params: {who: {type: string, default: world}}
"""
REPORTED = {
    "bare": 'echo "got ${params.who}"',
    "quoted": "echo 'got ${params.who}'",
    "template": 'echo "got {{ params.who }}"',
    "conf": """echo "got {{ dag_run.conf['who'] }}" """,
    "result": 'echo "got ${tasks.made.result}"',
}
MADE = 'made: {type: bash, command: \'echo "$WHO"\', env: {WHO: "${params.who}"}}'
VALUE = 'x\'"; echo "ran"; echo \'y'


def block(name: str, command: str) -> str:
    return f"{name}:\n  type: bash\n  command: |\n    {command}\n"


def test_what_is_reported_runs_and_what_is_advised_does_not(tmp_path: Path) -> None:
    tasks = MADE + "\n" + "".join(block(*each) for each in REPORTED.items())
    tasks += (
        'safe: {type: bash, command: \'echo "got $WHO"\', env: {WHO: "${params.who}"}}\n'
        'later: {type: bash, command: \'echo "got $MADE"\', env: {MADE: "${tasks.made.result}"}}\n'
    )
    found = findings(tmp_path, tasks, HEAD)
    assert [each.code for each in found] == ["DF355"] * len(REPORTED)
    ended = dag_test(tmp_path, {"who": VALUE})
    for name in ("made", "safe", "later"):
        state, result = ended[name]
        assert state == "success"
        assert result is not None
        assert result.removeprefix("got ") == VALUE
    for name in REPORTED:
        # either the value ran, or its quotes broke the command
        assert ended[name][1] != f"got {VALUE}"
