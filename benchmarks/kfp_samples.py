"""Run the pipelines of kfp_pipelines.py by kfp itself and by the emulator; compare how every task ended.

Usage: python benchmarks/kfp_samples.py PYTHON
PYTHON has kfp: `pip install kfp==2.17.3` in an environment of its own.

Lightweight Python components need kfp where they run, so the emulator's processes run in that Python too.
kfp stops at the first failure: of such a pipeline the tasks are compared that kfp came to. Exits 1 when
anything differs.
"""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from google.cloud import aiplatform

from dagfactory.emulator.client import start

HERE = Path(__file__).resolve().parent
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
ENDED = re.compile(r"(Task|Pipeline) '([^']+)' finished with status ([A-Z]+)")
STATES = {"SUCCESS": "SUCCEEDED", "FAILURE": "FAILED"}
Outcome = dict[str, Any]


def by_kfp(python: Path, folder: Path) -> dict[str, Outcome]:
    """Compile and run the pipelines by kfp; return how each and its tasks ended."""
    program = [python, HERE / "kfp_pipelines.py", folder]
    done = subprocess.run(
        program,
        env=with_python(python),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    found: dict[str, Outcome] = {}
    tasks: list[list[str]] = []
    state = ""
    for line in COLOUR.sub("", done.stdout).splitlines():
        if ended := ENDED.search(line):
            kind, name, how = ended.groups()
            state = STATES[how] if kind == "Pipeline" else state
            tasks += [[_bare(name), STATES[how]]] if kind == "Task" else []
        elif line.startswith('{"'):
            ((name, outputs),) = json.loads(line).items()
            found[name] = {"state": state, "tasks": sorted(tasks), "outputs": outputs}
            tasks = []
    if done.returncode:
        raise SystemExit(done.stdout[-3000:])
    return found


def with_python(python: Path) -> dict[str, str]:
    """Return the environment in which `python3` is the Python that has kfp."""
    return {**os.environ, "PATH": f"{python.parent}:{os.environ['PATH']}"}


def by_emulator(template: Path) -> Outcome:
    """Run a compiled pipeline on the emulator; return how it and its containers ended."""
    job = aiplatform.PipelineJob(
        display_name=template.stem, template_path=str(template), pipeline_root="gs://samples/root"
    )
    job.submit()
    while not job.done():
        time.sleep(0.2)
    details = [each for each in job.task_details if each.executor_detail.container_detail.main_job]
    tasks = sorted([_bare(each.task_name), each.state.name] for each in details)
    state = job.state.name.removeprefix("PIPELINE_STATE_")
    root = next(each for each in job.task_details if not each.parent_task_id)
    outputs = {
        name.removeprefix("output:"): value
        for name, value in dict(root.execution.metadata or {}).items()
        if name.startswith("output:")
    }
    return {"state": state, "tasks": tasks, "outputs": outputs}


def _bare(task: str) -> str:
    """Return the name of a task without its number, which kfp counts through nested pipelines."""
    return re.sub(r"-\d+$", "", task)


def differs(expected: Outcome, found: Outcome) -> str:
    """Return what is not the same, empty for nothing."""
    if expected["state"] != found["state"]:
        return f"{found['state']}, by kfp {expected['state']}"
    if expected["state"] == "FAILED":
        missing = [each for each in expected["tasks"] if each not in found["tasks"]]
        return f"not as by kfp: {missing}" if missing else ""
    for part in ("tasks", "outputs"):
        if expected[part] != found[part]:
            return f"{part} {found[part]}, by kfp {expected[part]}"
    return ""


def main(python: Path) -> int:
    """Print a line for each pipeline."""
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        expected = by_kfp(python, folder)
        os.environ |= with_python(python)
        logging.disable()  # the SDK tells of every step
        with start(folder / "state", buckets=["samples"]) as emulator:
            os.environ |= emulator.environ()
            aiplatform.init(project="demo", location="us-central1")
            for each, by_them in expected.items():
                found = by_emulator(folder / f"{each}.json")
                problem = differs(by_them, found)
                wrong += bool(problem)
                ran = f"{found['state']}, {len(found['tasks'])} tasks, outputs {found['outputs']}"
                print(f"{each}: {problem or f'the same: {ran}'}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
