"""Import random W&B sweeps, and compare each hyperparameter with W&B's own engine, draw by draw.

Every file is imported; a spec's ranges must have the same quantiles as W&B's (PyPI `sweeps`, in an
environment of its own that this script makes), and its draws the same law. A refusal names a key.
Usage: python benchmarks/wandb_law.py [count] [seed] [folder of the environment]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/helpers")]

import wandb_files  # noqa: E402 - beside the tests

ENGINE = "sweeps==0.3.0"
BAR = {"quantile": 1e-9, "p": 1e-3}


def main(count: int, seed: int, folder: Path) -> int:
    """Run and print the figures; 1 when a bar is missed."""
    python = _environment(folder)
    results = [wandb_files.imported(number, seed) for number in range(count)]
    questions = [each for found in results for each in found.questions]
    answers = _ask(python, questions)
    worst = max((each["quantile"] for each in answers), default=0.0)
    least = min((each["p"] for each in answers), default=1.0)
    silent = [each.number for each in results if each.silent]
    refused = [each for each in results if each.refusals]
    print(f"{count} files (seed {seed}): {count - len(refused)} imported, {len(refused)} refused")
    print(f"refusals without a key or a reason {len(silent)}   bar 0   {silent[:5] or ''}")
    print(f"hyperparameters compared {len(questions)}")
    print(f"largest relative difference of a quantile {worst:.1e}   bar {BAR['quantile']:.0e}")
    print(f"smallest p of {wandb_files.DRAWS:,} draws {least:.1e}   bar {BAR['p']:.0e}")
    return int(bool(silent) or worst > BAR["quantile"] or _too_rare(answers))


def _too_rare(answers: list[dict[str, float]]) -> bool:
    # of a thousand right comparisons, one has a p below 1e-3
    below = sum(each["p"] < BAR["p"] for each in answers)
    return below > max(1, 3 * BAR["p"] * len(answers))


def _environment(folder: Path) -> Path:
    """Return the Python of an environment that has W&B's engine; make it when it is not there."""
    python = folder / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        install = [python, "-m", "pip", "install", "--quiet", ENGINE]
        subprocess.run(install, check=True)
    return python


def _ask(python: Path, questions: list[dict[str, object]]) -> list[dict[str, float]]:
    """Return the answers of W&B's engine."""
    engine = ROOT / "tests/helpers/wandb_engine.py"
    done = subprocess.run(
        [python, engine],
        input=json.dumps(questions),
        check=True,
        capture_output=True,
        text=True,
    )
    found: list[dict[str, float]] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(
        main(
            int(given[0]) if given else 300,
            int(given[1]) if given[1:] else 20261201,
            Path(given[2] if given[2:] else f"{tempfile.gettempdir()}/dagfactory-wandb-engine"),
        )
    )
