"""Train and measure ARR-COC, the two networks it is compared with, and each ablation.

Usage: python benchmarks/trainer_table.py [--rows=arr_coc,relation] [--seeds=0,1,2] [--images=9800]
           [--epochs=3] [--batch=12] [--learning_rate=0.003] [--work=DIR] [--results=FILE] [--show]
       benchmarks/trainer_table.py --rows=arr_coc --seeds=3       (one row, one seed: one line more)

Every run is a process of `python -m trainer` and one of `python -m trainer.evaluate`, with one
thread. Its result is a line of FILE (JSON). What is in there is not run again, so that the script can be
stopped and started, or started twice with other seeds. `--show` prints the table and runs nothing,
`--paired` what ARR-COC is ahead of each row by, seed by seed.
Data: Sort-of-CLEVR, seed 0, 200 held-out images, which no run trains on.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "trainer_table.jsonl"
HELD_OUT = 200

# Name of a row -> what it shows, its settings, and the row whose model it starts from.
ROWS: dict[str, tuple[str, list[str], str | None]] = {
    "arr_coc": ("ARR-COC, 36 patches", [], None),
    "keep_13": ("ARR-COC, 13 patches", ["--keep=13", "--budget_total=2400"], None),
    "keep_6": ("ARR-COC, 6 patches", ["--keep=6", "--budget_total=1100"], None),
    "keep_1": ("ARR-COC, 1 patch", ["--keep=1", "--budget_total=400"], None),
    "coarse_5": (
        "ARR-COC, 21 patches, coarse image of 5x5",
        ["--keep=21", "--budget_total=3900"],
        None,
    ),
    "coarse_5_wide": (
        "ARR-COC, 44 patches, coarse image of 5x5",
        ["--keep=44", "--budget_total=8100"],
        None,
    ),
    "attention": ("plain attention, all patches", ["--network=attention"], None),
    "relation": ("relational network, all patches", ["--network=relation"], None),
    "spread": ("the 36 most relevant, not spread", ["--ablate=spread"], None),
    "propositional": ("no propositional scorer", ["--ablate=propositional"], None),
    "perspectival": ("no perspectival scorer", ["--ablate=perspectival"], None),
    "participatory": ("no participatory scorer", ["--ablate=participatory"], None),
    "budgets": ("uniform budgets", ["--ablate=budgets"], None),
    "opponent": ("no opponent processing", ["--ablate=opponent"], None),
    "unsupervised": ("no relevance loss", ["--relevance_weight=0"], None),
    "all": (
        "ARR-COC's glimpses, all patches",
        ["--keep=225", "--ablate=budgets", "--budget_total=90000"],
        None,
    ),
    "hard": ("ARR-COC, then 1 epoch `hard`", ["--stage=hard", "--epochs=1"], "arr_coc"),
    "longer": ("ARR-COC, then 1 epoch `answer`", ["--epochs=1"], "arr_coc"),
}
COARSE = {"coarse_5": 5, "coarse_5_wide": 5}  # pixels per side of the coarse image; else 15
COLUMNS = (
    "accuracy", "relational", "non-relational", "pixels", "million multiply-adds", "tokens",
    "recall@K", "ablation drop", "CPU s", "seeds",
)  # fmt: skip
ACCURACIES = ("accuracy", "relational_accuracy", "non_relational_accuracy")


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--images", type=int, default=9800)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--learning_rate", type=float, default=0.003)
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "trainer_table")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--paired", action="store_true")
    return parser.parse_args()


def program(name: str, *arguments: str) -> float:
    """Run a program of the trainer in a process of its own; returns its CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", name, *arguments]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def textures(work: Path, images: int, coarse: int) -> Path:
    """Make the data once."""
    data, base = work / f"data-{images}", work / f"textures-{images}-{coarse}"
    if not (data / "model" / "metrics.json").is_file():
        program("trainer.data", f"--images={images}", f"--held_out={HELD_OUT}", f"--output={data}")
    if not (base / "model" / "metrics.json").is_file():
        source = f"--input={data / 'model'}"
        program("trainer.textures", source, f"--coarse={coarse}", f"--output={base}")
    return base / "model"


def train(asked: argparse.Namespace, row: str, seed: int) -> dict[str, Any]:
    """Train one row with one seed, evaluate it and describe the run."""
    _, settings, start = ROWS[row]
    data = textures(asked.work, asked.images, COARSE.get(row, 15))
    base = folder(asked, row, seed)
    shared = [f"--batch={asked.batch}", f"--learning_rate={asked.learning_rate}"]
    shared += [f"--epochs={asked.epochs}", f"--seed={seed}", f"--textures={data}", *settings]
    if start:
        shared.append(f"--from={folder(asked, start, seed) / 'model'}")
    load, begun = os.getloadavg()[0], time.monotonic()
    cpu = program("trainer", *shared, "--log_every=1000", f"--output={base}")
    wall = time.monotonic() - begun
    evaluation = base / "evaluation"
    program("trainer.evaluate", f"--model={base / 'model'}", f"--textures={data}",
            f"--output={evaluation}")  # fmt: skip
    measured = json.loads((evaluation / "model" / "metrics.json").read_text())
    return key(asked, row, seed) | {
        "cpu_seconds": cpu, "wall_seconds": wall, "load": load, "step": measured["step"],
        "metrics": measured["metrics"], "machine": machine(),
    }  # fmt: skip


def folder(asked: argparse.Namespace, row: str, seed: int) -> Path:
    """Name the folder of a run by all that tells it apart."""
    return asked.work / "-".join(map(str, key(asked, row, seed).values()))


def key(asked: argparse.Namespace, row: str, seed: int) -> dict[str, Any]:
    """Collect what tells runs apart."""
    numbers = {name: getattr(asked, name) for name in ("images", "epochs", "batch")}
    return {"row": row, "seed": seed, **numbers, "learning_rate": asked.learning_rate}


def machine() -> str:
    """Say what this ran on."""
    import torch

    models = [
        line.split(": ")[1]
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return (
        f"{models[0]}, {len(models)} virtual cores, Python {platform.python_version()}, "
        f"torch {torch.__version__}"
    )


def results(path: Path) -> list[dict[str, Any]]:
    """Read the results so far."""
    lines = path.read_text().splitlines() if path.is_file() else []
    return [json.loads(line) for line in lines]


def missing(asked: argparse.Namespace) -> Iterator[tuple[str, int]]:
    """Rows and seeds that have no result yet, one seed after the other."""
    for seed in map(int, asked.seeds.split(",")):
        for row in asked.rows.split(","):
            wanted = key(asked, row, seed)
            if not any(wanted.items() <= done.items() for done in results(asked.results)):
                yield row, seed


def spread(values: list[float], digits: int = 3) -> str:
    """Mean, and in brackets least and most."""
    mean, least, most = statistics.mean(values), min(values), max(values)
    return f"{mean:.{digits}f} ({least:.{digits}f} to {most:.{digits}f})"


def line(row: str, runs: list[dict[str, Any]]) -> str:
    """One row of the table."""
    measured = [
        run["metrics"] | {"mega_multiply_adds": run["metrics"]["multiply_adds"] / 1e6}
        for run in runs
    ]

    def mean(name: str, text: str) -> str:
        found = [one[name] for one in measured if one.get(name) is not None]
        return text.format(statistics.mean(found)) if found else "-"

    cells = [
        ROWS[row][0],
        *(spread([one[name] for one in measured]) for name in ACCURACIES),
        mean("pixels_read", "{:.1%}"),
        mean("mega_multiply_adds", "{:.2f}"),
        mean("budget_total", "{:.0f}"),
        mean("recall_at_k", "{:.3f}"),
        mean("ablation_drop", "{:.3f}"),
        f"{statistics.mean(run['cpu_seconds'] for run in runs):.0f}",
        str(len(runs)),
    ]
    return f"| {' | '.join(cells)} |"


def chosen(asked: argparse.Namespace) -> list[dict[str, Any]]:
    """Read the results of these settings."""
    wanted = {
        name: value for name, value in key(asked, "", 0).items() if name not in {"row", "seed"}
    }
    return [run for run in results(asked.results) if wanted.items() <= run.items()]


def paired(asked: argparse.Namespace) -> str:
    """By how much the first row is ahead of each other one with the same seeds, as Markdown."""
    by_row: dict[str, dict[int, float]] = {}
    for run in chosen(asked):
        by_row.setdefault(run["row"], {})[run["seed"]] = run["metrics"]["accuracy"]
    lines = ["|  | ahead by | with so many seeds | of so many |", "|---|---|---|---|"]
    for row in ROWS:
        both = by_row.get("arr_coc", {}).keys() & by_row.get(row, {}).keys()
        ahead = [by_row["arr_coc"][seed] - by_row[row][seed] for seed in both]
        if row != "arr_coc" and len(ahead) > 1:
            better = sum(each > 0 for each in ahead)
            lines.append(f"| {ROWS[row][0]} | {spread(ahead)} | {better} | {len(ahead)} |")
    return "\n".join(lines)


def table(asked: argparse.Namespace) -> str:
    """All results of these settings as Markdown, and what they were measured on."""
    runs = chosen(asked)
    lines = [
        f"| {' | '.join(['', *COLUMNS])} |",
        "|---" * (1 + len(COLUMNS)) + "|",
    ]
    lines += [line(row, found) for row in ROWS if (found := [r for r in runs if r["row"] == row])]
    if runs:
        loads = [run["load"] for run in runs]
        conditions = (
            f"{asked.images:,} training images, {asked.epochs} epochs, batch {asked.batch}, rate "
            f"{asked.learning_rate}; {HELD_OUT} held-out images, {20 * HELD_OUT:,} questions; "
            f"{runs[0]['machine']}, one thread, load average {min(loads):.1f} to {max(loads):.1f}."
        )
        lines += ["", conditions]
    return "\n".join(lines)


def main() -> None:
    """Run what is missing, then print the table."""
    asked = options()
    asked.work.mkdir(parents=True, exist_ok=True)
    if asked.paired:
        print(paired(asked))
        return
    for row, seed in [] if asked.show else missing(asked):
        found = train(asked, row, seed)
        with asked.results.open("a") as stream:
            stream.write(json.dumps(found) + "\n")
        accuracy, seconds = found["metrics"]["accuracy"], found["wall_seconds"]
        print(f"{row} seed {seed}: accuracy {accuracy:.4f} in {seconds:.0f} s", flush=True)
    print(table(asked))


if __name__ == "__main__":
    main()
