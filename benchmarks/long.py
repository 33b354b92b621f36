"""Run the heavy proofs at their full size and record what they found: `make long`.

Usage: python benchmarks/long.py [name ...]

`make test` does a fixed sample of each. A proof that has passed at this commit is not run again, so
an interrupted run goes on where it was. Every run adds a line to benchmarks/results/long.jsonl, and
docs/benchmarks.md shows the newest of each proof. Exits 1 when a proof failed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks/results/long.jsonl"
PAGE = ROOT / "docs/benchmarks.md"
BEGIN, END = "<!-- long -->\n", "<!-- end of long -->\n"
SEED = 20261126
LIMIT = 4 * 3600.0
"""Seconds after which a proof has failed."""


@dataclass(frozen=True)
class Proof:
    """A command for this Python, its seed, and which parts of its output are figures (patterns)."""

    name: str
    command: tuple[str, ...]
    figures: tuple[str, ...]
    seed: int | None = None


def part_of_the_tests(name: str, file: str, *figures: str) -> Proof:
    """Return a proof that is a part of the tests at full size."""
    command = ("-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", file)
    return Proof(name, command, (*figures, r"\d+ passed.*? in [\d.]+s"), SEED)


PROOFS = (
    Proof(
        "mutants",
        ("benchmarks/mutants.py", "100000", str(SEED)),
        (r"[\d,]+ mutants", r"tracebacks \d+", r"slowest [\d.]+ s", r"errors per mutant.* have"),
        SEED,
    ),
    part_of_the_tests("typos", "tests/compiler/test_typos.py", r"\d+ of \d+ typos: [\d.]+%"),
    part_of_the_tests("mutations", "tests/compiler/test_mutations.py"),
    part_of_the_tests("hostile strings", "tests/compiler/test_hostile.py"),
    part_of_the_tests("hostile specs", "tests/compiler/test_hostile_specs.py"),
    part_of_the_tests("determinism", "tests/compiler/test_determinism.py"),
    part_of_the_tests("cache after edits", "tests/compiler/test_record.py"),
    part_of_the_tests(
        "sync schedules", "tests/deploy/test_schedules.py", r"\w+, \w+: \d+ schedules.*wrong"
    ),
    part_of_the_tests(
        "crash points", "tests/system/crashes/test_crashes.py", r"\d+ crash points.*wrong"
    ),
    part_of_the_tests(
        "crash points in Airflow",
        "tests/system/e2e/test_crashes.py",
        r"\d+ crash points in Airflow.*",
    ),
    part_of_the_tests("bad weather", "tests/system/crashes/test_soak.py", r"\d+ runs.*undisturbed"),
    part_of_the_tests("damaged Terraform", "tests/composer/test_terraform.py"),
    part_of_the_tests("answers to doctor", "tests/composer/test_doctor.py"),
    part_of_the_tests("one permission less", "tests/system/e2e/test_permissions.py"),
    part_of_the_tests("five own programs", "tests/system/e2e/test_own_shapes.py"),
    part_of_the_tests(
        "hostile repositories",
        "tests/system/test_hostile_repositories.py",
        r"\d+ hostile repositories: .*",
    ),
    part_of_the_tests("killed syncs", "tests/deploy/test_over_http.py"),
    Proof("trainer faults", ("benchmarks/trainer_faults.py",), (r"(?m)^\w+ +\w+: .*$",), 0),
    Proof("deferrals", ("benchmarks/deferrals.py", "3"), (r"(?m)^.*wrong ends.*$",)),
)


def main(names: list[str]) -> int:
    """Run the proofs of these names, or all; return 1 when one of them failed."""
    chosen = [each for each in PROOFS if not names or each.name in names]
    commit = state_of_the_code()
    passed = [line["name"] for line in results() if line["commit"] == commit and line["passed"]]
    failed = 0
    for proof in chosen:
        if proof.name in passed:
            print(f"{proof.name}: has passed at {commit}")
            continue
        result = run(proof, commit)
        failed += not result["passed"]
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
        write_page()
    return int(failed > 0)


def state_of_the_code() -> str:
    """Return the commit; the time as well where files differ from it, so that nothing is skipped."""
    code = ["dagfactory", "trainer", "tests", "specs", "benchmarks", ":!benchmarks/results"]
    changed = git("status", "--porcelain", "--", *code)
    return git("rev-parse", "--short=12", "HEAD") + (f"+{time.time():.0f}" if changed else "")


def git(*arguments: str) -> str:
    """Return what git prints."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def results() -> list[dict[str, Any]]:
    """Return all recorded results, the oldest first."""
    if not RESULTS.exists():
        return []
    return [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]


def run(proof: Proof, commit: str) -> dict[str, Any]:
    """Run a proof; show its output when it failed; return its result."""
    print(f"{proof.name}: ", end="", flush=True)
    began, passed = time.monotonic(), False
    try:
        done = subprocess.run(
            [sys.executable, *proof.command],
            cwd=ROOT,
            env=os.environ | {"DAGFACTORY_TEST_SIZE": "long"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        passed, output = done.returncode == 0, done.stdout
    except subprocess.TimeoutExpired:
        output = f"no end within {LIMIT:.0f} s"
    seconds = round(time.monotonic() - began)
    print(f"{'passed' if passed else 'FAILED'} after {seconds} s")
    if not passed:
        print(output)
    figures = [match[0] for each in proof.figures for match in re.finditer(each, output)]
    return {
        "name": proof.name,
        "passed": passed,
        "commit": commit,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "seed": proof.seed,
        "seconds": seconds,
        "figures": [" ".join(each.split()) for each in figures],
    }


def table() -> str:
    """Return the newest result of each proof as a table of Markdown."""
    newest = {each["name"]: each for each in results()}
    rows = [
        f"| {each['name']} | {'passed' if each['passed'] else 'FAILED'}: "
        f"{'; '.join(each['figures'])} | {'' if each['seed'] is None else each['seed']} | "
        f"{each['date']}, {each['seconds']:,} s, `{each['commit'].partition('+')[0]}` |\n"
        for each in newest.values()
    ]
    return "| proof | result | seed | when |\n|---|---|---|---|\n" + "".join(rows)


def write_page() -> None:
    """Put the table into the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    PAGE.write_text(before + BEGIN + table() + END + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
