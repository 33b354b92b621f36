"""Checkpoints on disk: what makes a directory one, how one is written, pruned and judged.

A checkpoint is a directory `step-00001200/` with `state.safetensors` and, written last,
`manifest.json` with a sha256 of every file and one of itself, so that a flipped bit anywhere is
noticed. A directory without a manifest is not a checkpoint. `python -m trainer validate CHECKPOINT`
lists everything that is wrong with one. Nothing here needs torch.

Checkpoints are written while training goes on: the state is copied between two steps, a thread
checks and writes the copy. At most one write is under way: the next save, and the end of training,
wait for it.
"""

import argparse
import hashlib
import json
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainer.errors import TrainerError, UsageError
from trainer.storage import (
    SCHEMA_VERSION,
    AnyLocation,
    Location,
    Pieces,
    damaged_files,
    describe_pieces,
    read_file,
    storage_of,
)
from trainer.vertex import local_path

STATE = "state.safetensors"
MANIFEST = "manifest.json"
NAME = re.compile(r"step-(\d{8,12})")
SEAL = "sha256"
LARGEST = 2**20  # bytes of a manifest; ours have about 2 kB
DESCRIPTION = (
    "`python -m trainer validate CHECKPOINT`: list everything that is wrong with a checkpoint."
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is when a checkpoint is taken."""

    step: int
    epoch: int
    planned_steps: int
    complete: bool
    loss: float
    score: float | None = None  # the headline metric, where this step was evaluated


def save(root: Location, progress: Progress, groups: dict[str, Any], data: Pieces) -> Location:
    """Write one checkpoint, the manifest last."""
    storage, directory = storage_of(root), directory_of(root, progress.step)
    if directory.name in storage.names(str(root)):  # not a folder: a link, or a file
        storage.remove(str(directory))
    storage.remove(str(directory / MANIFEST))
    storage.write(str(directory / STATE), data)
    storage.write(str(directory / MANIFEST), [seal(manifest(progress, groups, data))])
    return directory


def directory_of(root: Location, step: int) -> Location:
    """Directory of a step's checkpoint."""
    return root / f"step-{step:08d}"


def manifest(progress: Progress, groups: dict[str, Any], data: Pieces) -> dict[str, Any]:
    """Describe a checkpoint for whoever judges it without torch."""
    return {
        "schema_version": SCHEMA_VERSION,
        "step": progress.step,
        "epoch": progress.epoch,
        "planned_steps": progress.planned_steps,
        "complete": progress.complete,
        "loss": finite(progress.loss),
        "score": finite(progress.score),
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "states": groups,
        "files": {STATE: describe_pieces(data)},
    }


def finite(value: float | None) -> float | None:
    """Return a number that JSON can hold, None for any other."""
    return value if value is not None and math.isfinite(value) else None


def prune(root: Location, keep: int, step: int) -> None:
    """Keep the newest `keep` checkpoints up to `step` and the best; drop what is unfinished.

    A checkpoint beyond `step`, which was just saved, could not be read when this run began:
    left in place it would count as the newest and push the good ones out.
    """
    found = [path.name for path in checkpoints(root)]
    past = [name for name in found if step_of(root / name) <= step]
    best = max(past, key=lambda name: (score(root / name), name), default=None)
    for name in (name.rstrip("/") for name in storage_of(root).names(str(root))):
        if step_of(root / name) >= 0 and name not in {best, *past[-keep:]}:
            _remove(root / name)


def best(root: Location) -> Location | None:
    """Return the checkpoint with the best score, None where none has one."""
    scored = [path for path in checkpoints(root) if score(path) > -math.inf]
    return max(scored, key=lambda path: (score(path), path.name), default=None)


def last_good(root: Location) -> str:
    """Name the newest checkpoint."""
    kept = checkpoints(root)
    return f"last good checkpoint: {kept[-1]}" if kept else "there is no checkpoint yet"


def _remove(location: Location) -> None:
    """Remove a checkpoint, its manifest first: what is left then does not count as one."""
    storage = storage_of(location)
    if f"{location.name}/" in storage.names(str(location.parent)):
        storage.remove(str(location / MANIFEST))
    storage.remove(str(location))


def seal(document: Mapping[str, Any]) -> bytes:
    """Write a manifest as bytes, with the sha256 of everything else in it under `sha256`."""
    body = {key: value for key, value in document.items() if key != SEAL}
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    return (json.dumps(body | {SEAL: digest}, indent=2, allow_nan=False) + "\n").encode()


def step_of(directory: Location) -> int:
    """Step that a directory name stands for; minus one where it stands for none."""
    found = NAME.fullmatch(directory.name)
    return int(found[1]) if found else -1


def checkpoints(root: AnyLocation) -> list[AnyLocation]:
    """Checkpoint directories with a manifest, oldest first; links do not count."""
    storage = storage_of(root)
    folders = [root / name[:-1] for name in storage.names(str(root)) if name.endswith("/")]
    steps = sorted((folder for folder in folders if step_of(folder) >= 0), key=step_of)
    return [folder for folder in steps if MANIFEST in storage.names(str(folder))]


def read_manifest(directory: Location) -> dict[str, Any]:
    """Read the manifest of a checkpoint; raises TrainerError with one line for any damage."""
    try:
        data = read_file(directory / MANIFEST, LARGEST)
        document = json.loads(data)
        whole = isinstance(document, dict) and data == seal(document)
    except FileNotFoundError:
        raise TrainerError(f"{directory / MANIFEST} is missing") from None
    except (ValueError, RecursionError) as error:
        raise TrainerError(f"{directory.name}: {MANIFEST} cannot be read: {error}") from None
    if not whole:
        raise TrainerError(f"{directory.name}: {MANIFEST} does not match its sha256")
    problem = malformed(document) or misplaced(document, directory)
    if problem:
        raise TrainerError(f"{directory.name}: {MANIFEST}: {problem}")
    return dict(document)


def malformed(document: Mapping[str, Any]) -> str | None:
    """Say what a manifest lacks; None when it has all that reading a checkpoint needs."""
    files = document.get("files")
    if not isinstance(files, dict) or list(files) != [STATE]:
        return f"'files' must name {STATE} and nothing else"
    entry = files[STATE]
    if not (
        isinstance(entry, dict) and _is_count(entry.get("bytes")) and _is_text(entry.get("sha256"))
    ):
        return f"{STATE} needs 'bytes' and 'sha256'"
    if not (_is_count(document.get("step")) and _is_count(document.get("planned_steps"))):
        return "'step' and 'planned_steps' must be whole numbers"
    return None


def misplaced(document: Mapping[str, Any], directory: Location) -> str | None:
    """Say when the manifest is of another step than its directory."""
    named = step_of(directory)
    return None if named == document["step"] else f"it is of step {document['step']}"


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def read_state(directory: Location, document: Mapping[str, Any], largest: int) -> bytes:
    """Bytes of the state, equal to what the manifest says; raises TrainerError otherwise."""
    entry = document["files"][STATE]
    try:
        data = read_file(directory / STATE, largest)
    except FileNotFoundError:
        raise TrainerError(f"{directory.name}: {STATE} is missing") from None
    if len(data) != entry["bytes"]:
        raise TrainerError(f"{directory.name}: {STATE} has {len(data)} bytes, not {entry['bytes']}")
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise TrainerError(f"{directory.name}: {STATE} does not match its sha256")
    return data


def score(directory: Location) -> float:
    """Return the score of a checkpoint; minus infinity where it has none or is damaged."""
    try:
        value = read_manifest(directory).get("score")
    except TrainerError:
        return -math.inf
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else -math.inf


@dataclass(slots=True)
class Saver:
    """Writes one thing after another in a thread; remembers what that cost."""

    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(max_workers=1))
    pending: Future[float] | None = None
    begun: float = field(default_factory=time.monotonic)  # of the last save
    stall: float = math.nan  # seconds the last save held up the steps
    cost: float = math.nan  # seconds of the last finished save, stall and writing

    def save(self, prepare: Callable[[], Callable[[], object]]) -> None:
        """Prepare between two steps, then write in the thread."""
        self.begun = time.monotonic()
        self.wait()
        write = prepare()
        self.stall = time.monotonic() - self.begun
        self.pending = self.pool.submit(_timed, write)

    def wait(self) -> None:
        """Wait for what is under way; its error is raised here."""
        if self.pending is not None:
            pending, self.pending = self.pending, None
            self.cost = self.stall + pending.result()

    def measured(self) -> bool:
        """Whether a save has finished, so that its cost is known."""
        if self.pending is not None and self.pending.done():
            self.wait()
        return not math.isnan(self.cost)


def _timed(write: Callable[[], object]) -> float:
    begun = time.monotonic()
    write()
    return time.monotonic() - begun


def best_interval(cost: float, mtbi: float) -> float:
    """Seconds between checkpoints that lose the least time; cost and mtbi in seconds.

    J. T. Daly, "A higher order estimate of the optimum checkpoint interval for restart dumps",
    Future Generation Computer Systems 22 (2006), 303-312, equation 37, with cost d and mean time
    between interruptions M: sqrt(2 d M) (1 + sqrt(d / 2M) / 3 + (d / 2M) / 9) - d for d < 2M,
    otherwise M. Its first term is that of J. W. Young (CACM 17, 1974).
    """
    if cost >= 2 * mtbi:
        return mtbi
    part = cost / (2 * mtbi)
    return math.sqrt(2 * cost * mtbi) * (1 + math.sqrt(part) / 3 + part / 9) - cost


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
    result = Parser(prog="python -m trainer validate", description=DESCRIPTION)
    result.add_argument("checkpoint", help="a step directory, or the directory that holds them")
    result.add_argument(
        "--require", default="", help="state groups, with commas; all of the network's by default"
    )
    result.add_argument("--max_loss", type=float, default=math.inf, help="the loss is at most this")
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
    """Report a loss that is not finite or above the limit."""
    if not isinstance(loss, int | float) or not math.isfinite(loss):
        return [f"the loss is {loss}"]
    if loss > limit:
        return [f"the loss {loss:.4f} is above {limit}"]
    return []
