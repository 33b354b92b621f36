"""What a command imports: the libraries of the local run are loaded by the local run alone."""

import json
import sys

import processes
import pytest

HEAVY = {"airflow", "duckdb", "google", "grpc", "psutil", "rich", "torch", "trustme"}
SHOW = """
import json, sys
before = set(sys.modules)  # a .pth file may have loaded the package `google`, which is empty
from dagfactory.__main__ import run
assert run(sys.argv[1:]) == 0
print(json.dumps([name.partition(".")[0] for name in set(sys.modules) - before]), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["machines", "A100"], ["check", "specs/quickstart.yaml"], ["run", "--help"]],
)
def test_commands_load_none_of_the_heavy_libraries(arguments):
    command = [sys.executable, "-c", SHOW, *arguments]
    shown = processes.run(command, capture_output=True, text=True, check=True)
    names = set(json.loads(shown.stderr.splitlines()[-1]))
    assert "dagfactory" in names
    assert names & HEAVY == set()
