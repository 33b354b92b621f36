"""What a training program and dagfactory agree on. Copy this file beside yours: it needs nothing else."""

import hashlib
import json
import os
import signal
from pathlib import Path
from typing import Any

_stop: list[int] = []
signal.signal(signal.SIGTERM, lambda number, _: _stop.append(number))


def stop_requested() -> bool:
    """Whether Vertex AI takes the machine back: 30 seconds are left to save."""
    return bool(_stop)


def local(address: str) -> Path:
    """Return the path of a gs:// address in the mounted Cloud Storage; other paths as they are."""
    mount = os.environ.get("GCSFUSE_ROOT", "/gcs")
    return Path(mount, address[5:]) if address.startswith("gs://") else Path(address)


def model_dir() -> Path:
    """Return the folder for the model and metrics.json."""
    return _made(local(os.environ.get("AIP_MODEL_DIR") or "model"))


def checkpoint_dir() -> Path:
    """Return the folder for checkpoints, which a retry of the job finds again."""
    return _made(local(os.environ.get("AIP_CHECKPOINT_DIR") or "checkpoints"))


def step_dir(step: int) -> Path:
    """Return the folder for the checkpoint of a step."""
    return _made(checkpoint_dir() / f"step-{step:08d}")


def seal_checkpoint(step: int, planned_steps: int, loss: float | None = None) -> None:
    """Write manifest.json beside the files of a step; leave with code 1 where a stop was requested."""
    files = {p.name: p for p in sorted(step_dir(step).iterdir()) if p.name != "manifest.json"}
    listed = {n: {"bytes": p.stat().st_size, "sha256": _sha256(p)} for n, p in files.items()}
    document: dict[str, Any] = {"schema_version": 1, "step": step, "planned_steps": planned_steps}
    document |= {"loss": loss, "complete": step >= planned_steps, "files": listed}
    _write(step_dir(step) / "manifest.json", document)
    if stop_requested() and step < planned_steps:
        raise SystemExit(1)


def newest_checkpoint() -> Path | None:
    """Return the newest folder whose files are as its manifest says, None without one."""
    for path in sorted(checkpoint_dir().glob("step-*/manifest.json"), reverse=True):
        files = json.loads(path.read_text())["files"].items()
        if all(_sha256(path.parent / name) == each["sha256"] for name, each in files):
            return path.parent
    return None


def write_metrics(metrics: dict[str, float], step: int | None = None) -> None:
    """Write the metrics.json of a finished training, which sweeps, gates and the summary read."""
    document = {"schema_version": 1, "metrics": metrics, "step": step, "complete": True}
    _write(model_dir() / "metrics.json", document)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _sha256(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _write(path: Path, document: dict[str, Any]) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(document, indent=2) + "\n")
    part.replace(path)  # whole or not at all
