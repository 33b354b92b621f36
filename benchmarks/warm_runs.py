"""A hundred runs of different specs in a row with `dagfactory up`: what it holds, and what came out.

After every tenth run: memory (PSS) and open files of each process under `up`. At the end some of the specs
run alone in an empty folder, and their artifacts are compared with those of the warm runs, byte for byte.
Usage: python benchmarks/warm_runs.py [runs [cold runs]]    (exits 1 when an artifact differs)
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "-m", "dagfactory"]
SPEC = """\
pipeline: warm_{number}
schedule: null
params: {{limit: {{type: number, default: {limit}}}}}
defaults: {{image: "us-docker.pkg.dev/demo/ml/fit:1", machine: {{type: n1-standard-4}}}}
tasks:
  search:
    type: sweep
    command: [python, fit.py, "{number}"]
    metric: {{name: score, goal: maximize}}
    parameters: {{rate: {{values: [{first}, {second}]}}}}
  good:
    type: gate
    metrics: {{best: "${{tasks.search.model_dir}}/metrics.json"}}
    when: best.score > params.limit
    then: yes_{number}
    else: no_{number}
  yes_{number}: {{type: bash, command: "echo ${{run.dir}}"}}
  no_{number}: {{type: empty}}
"""
PROGRAM = """\
import json, os, pathlib, sys
number, rate = int(sys.argv[1]), float(sys.argv[2].partition("=")[2])
place = pathlib.Path(os.environ["GCSFUSE_ROOT"], os.environ["AIP_MODEL_DIR"][5:])
place.mkdir(parents=True, exist_ok=True)
(place / "model.bin").write_bytes(bytes((number * each) % 256 for each in range(1000)))
metrics = {"score": rate * number % 1}
(place / "metrics.json").write_text(json.dumps(metrics))
"""
EVERY = 10
SHOWN = re.compile(r"[a-z-]+(?=\.log$)")


def spec(number: int) -> str:
    """Return the text of a spec that has nothing of another one."""
    rates = {"first": number / 7 % 1, "second": number / 11 % 1}
    return SPEC.format(number=number, limit=number / 13 % 1, **rates)


def project(folder: Path, numbers: range | list[int]) -> Path:
    """Write a project with specs."""
    shutil.copytree(ROOT / "specs/environments", folder / "specs/environments")
    (folder / "fit.py").write_text(PROGRAM)
    for number in numbers:
        (folder / f"specs/warm_{number}.yaml").write_text(spec(number))
    return folder


def called(folder: Path, *arguments: str) -> str:
    """Run a command that has to succeed; return what it says."""
    command = [*COMMAND, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{arguments}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def held(up: int) -> dict[str, tuple[float, int]]:
    """Return MB and open files of the processes under `up`, by the log that each writes to."""
    memory, files = Counter[str](), Counter[str]()
    for each in [psutil.Process(up), *psutil.Process(up).children(recursive=True)]:
        try:
            log = SHOWN.search(str(Path(f"/proc/{each.pid}/fd/1").readlink()))
            name = log[0] if log else "supervisor"
            memory[name] += each.memory_full_info().pss
            files[name] += each.num_fds()
        except (psutil.Error, OSError):
            continue
    return {name: (memory[name] / 1e6, files[name]) for name in sorted(memory)}


def shown(found: dict[str, tuple[float, int]]) -> str:
    """Return what processes hold on a line, all of them together first."""
    memory, files = map(sum, zip(*found.values(), strict=True))
    parts = (f"{name} {mb:.0f} MB" for name, (mb, _) in found.items() if mb > 1)
    return f"{memory:.0f} MB, {files} open files ({', '.join(parts)})"


def artifacts(folder: Path, number: int) -> dict[str, bytes]:
    """Return the files of a pipeline's only run, by their names below its folder."""
    (run,) = (folder / ".dagfactory/emulator/gcs").glob(f"*/runs/warm_{number}/*")
    files = (each for each in run.rglob("*") if each.is_file())
    return {str(each.relative_to(run)): _bare(each.read_bytes(), run.name) for each in files}


def _bare(content: bytes, run: str) -> bytes:
    """Return a file's content without the name of the run."""
    return content.replace(run.encode(), b"RUN")


def main(runs: int = 100, cold: int = 3) -> int:
    """Print what the processes hold on the way, and whether the artifacts are those of cold runs."""
    with tempfile.TemporaryDirectory() as name:
        warm = project(Path(name, "warm"), range(runs))
        up = int(re.findall(r"process (\d+)", called(warm, "up"))[0])
        try:
            for number in range(runs):
                called(warm, "run", f"specs/warm_{number}.yaml")
                if number in {0, runs - 1} or (number + 1) % EVERY == 0:
                    print(f"after {number + 1:3}: {shown(held(up))}", flush=True)
        finally:
            called(warm, "up", "--stop")
        wrong = 0
        for number in [each * (runs - 1) // max(1, cold - 1) for each in range(cold)]:
            alone = project(Path(name, f"cold-{number}"), [number])
            called(alone, "run", f"specs/warm_{number}.yaml")
            same = artifacts(alone, number) == artifacts(warm, number)
            wrong += not same
            count = len(artifacts(alone, number))
            print(
                f"warm_{number}: {count} files {'equal' if same else 'DIFFER FROM'} those of a cold run"
            )
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
