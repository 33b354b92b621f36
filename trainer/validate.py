"""`python -m trainer validate CHECKPOINT`: list everything that is wrong with a checkpoint."""

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trainer.errors import TrainerError, UsageError
from trainer.files import damaged_files
from trainer.manifest import checkpoints, read_manifest
from trainer.vertex import local_path


def main(argv: Sequence[str]) -> int:
    """Print the report; returns 0 when every check passes, 1 otherwise."""
    options = parser().parse_args(argv)
    required = [name for name in options.require.split(",") if name]
    directory = newest(local_path(options.checkpoint))
    failed = failures(directory, required, options.max_loss, options.complete)
    report = {"checkpoint": str(directory), "passed": not failed, "failed": failed}
    if options.json:
        print(json.dumps(report, indent=2))
    else:
        print("\n".join(failed) or f"{directory}: all checks passed")
    return 1 if failed else 0


class Parser(argparse.ArgumentParser):
    """An argument parser whose mistakes are one line."""

    def error(self, message: str) -> Any:
        """Raise instead of printing the usage."""
        raise UsageError(message)


def parser() -> argparse.ArgumentParser:
    """Build the command line."""
    result = Parser(prog="python -m trainer validate", description=__doc__)
    result.add_argument("checkpoint", help="a step directory, or the directory that holds them")
    result.add_argument(
        "--require", default="", help="state groups, with commas; all of the network's by default"
    )
    result.add_argument("--max_loss", type=float, default=math.inf, help="the loss stays below")
    result.add_argument("--complete", action="store_true", help="every planned step is done")
    result.add_argument("--json", action="store_true", help="print a JSON report")
    return result


def newest(path: Path) -> Path:
    """Find the newest checkpoint of a directory of checkpoints; a step directory is itself."""
    steps = checkpoints(path)
    return steps[-1] if steps else path


def failures(directory: Path, required: list[str], max_loss: float, complete: bool) -> list[str]:
    """Every failed check, one line each."""
    try:
        document = read_manifest(directory)
    except TrainerError as error:
        return [str(error)]
    problems = damaged_files(directory, document["files"])
    problems += state_problems(document.get("states"), required)
    problems += loss_problems(document.get("loss"), max_loss)
    if complete and not document.get("complete"):
        problems.append(
            f"step {document.get('step')} of {document.get('planned_steps')}: not complete"
        )
    return problems


def state_problems(states: object, required: list[str]) -> list[str]:
    """Missing, empty or non-finite state groups; none required means all that are described."""
    problems = []
    if not states or not isinstance(states, dict):
        return ["the checkpoint describes no states"]
    for name in required or states:
        state = states.get(name)
        if not isinstance(state, dict) or not state.get("tensors"):
            problems.append(f"state {name!r} is missing")
        elif state.get("finite") is not True:
            problems.append(f"state {name!r} holds non-finite values")
    return problems


def loss_problems(loss: object, limit: float) -> list[str]:
    """Report a loss that is not finite or not below the limit."""
    if not isinstance(loss, int | float) or not math.isfinite(loss):
        return [f"the loss is {loss}"]
    if loss >= limit:
        return [f"the loss {loss:.4f} is not below {limit}"]
    return []
