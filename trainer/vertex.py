"""What Vertex AI tells a job through its environment, as one value.

`read_context` is a pure function of the environment; `local_path` maps gs:// addresses to the
Cloud Storage FUSE mount that every custom job has at /gcs.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.errors import TrainerError, UsageError

DEFAULT_MASTER_PORT = 2222


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where this process stands among the machines of a job."""

    rank: int = 0
    world: int = 1
    master: str = "localhost"
    port: int = DEFAULT_MASTER_PORT


@dataclass(frozen=True, slots=True)
class RunContext:
    """Directories, place in the cluster and identity of a job."""

    model_dir: Path
    checkpoint_dir: Path
    log_dir: Path
    cluster: Cluster
    job_id: str | None = None
    trial_id: str | None = None
    metric_file: Path | None = None


def local_path(address: str, environment: Mapping[str, str] = os.environ) -> Path:
    """File path of a gs:// address under the FUSE mount; other addresses are paths already.

    The mount is $GCSFUSE_ROOT, /gcs where that is not set. Raises TrainerError without a mount.
    """
    if not address.startswith("gs://"):
        return Path(address)
    root = Path(environment.get("GCSFUSE_ROOT") or "/gcs")
    if not root.is_dir():
        raise TrainerError(
            f"{address} needs the Cloud Storage FUSE mount at {root}, which is missing; "
            "set GCSFUSE_ROOT or give a local path"
        )
    return root / address.removeprefix("gs://").rstrip("/")


def read_context(environment: Mapping[str, str], output: str | None) -> RunContext:
    """Build the RunContext; `output` is the base directory where AIP_MODEL_DIR is absent."""
    model = environment.get("AIP_MODEL_DIR")
    if not model and not output:
        raise UsageError("AIP_MODEL_DIR is not set: say where to write with --output=DIR")
    base = model.rstrip("/").rpartition("/")[0] if model else str(output).rstrip("/")

    def directory(variable: str, name: str) -> Path:
        return local_path(environment.get(variable) or f"{base}/{name}", environment)

    return RunContext(
        model_dir=directory("AIP_MODEL_DIR", "model"),
        checkpoint_dir=directory("AIP_CHECKPOINT_DIR", "checkpoints"),
        log_dir=directory("AIP_TENSORBOARD_LOG_DIR", "logs"),
        cluster=read_cluster(environment),
        job_id=environment.get("CLOUD_ML_JOB_ID"),
        trial_id=environment.get("CLOUD_ML_TRIAL_ID") or None,
        metric_file=_metric_file(environment),
    )


def current_context(output: str | None) -> RunContext:
    """Read the RunContext of this process."""
    return read_context(os.environ, output)


def read_cluster(environment: Mapping[str, str]) -> Cluster:
    """Place in the cluster: CLUSTER_SPEC first, then torchrun's variables, else one machine."""
    spec = environment.get("CLUSTER_SPEC")
    if spec:
        return _from_cluster_spec(spec)
    if "RANK" in environment and "WORLD_SIZE" in environment:
        return Cluster(
            rank=_whole(environment, "RANK"),
            world=_whole(environment, "WORLD_SIZE"),
            master=environment.get("MASTER_ADDR", "localhost"),
            port=int(environment.get("MASTER_PORT", DEFAULT_MASTER_PORT)),
        )
    return Cluster()


def _whole(environment: Mapping[str, str], name: str) -> int:
    try:
        return int(environment[name])
    except ValueError:
        raise TrainerError(f"{name} is {environment[name]!r}, not a number") from None


def _from_cluster_spec(text: str) -> Cluster:
    """Pool 0 is the primary (rank 0), pool 1 its workers (rank = index + 1)."""
    try:
        spec: dict[str, Any] = json.loads(text)
        cluster, task = spec["cluster"], spec["task"]
        workers = cluster.get("workerpool1", [])
        host, _, port = cluster["workerpool0"][0].partition(":")
        rank = task["index"] + (1 if task["type"] == "workerpool1" else 0)
        return Cluster(rank, 1 + len(workers), host, int(port or DEFAULT_MASTER_PORT))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise TrainerError(f"CLUSTER_SPEC cannot be read: {error!r}") from None


def _metric_file(environment: Mapping[str, str]) -> Path | None:
    """Where hyperparameter tuning reads metrics; None where nobody tunes."""
    name = environment.get("CLOUD_ML_HP_METRIC_FILE")
    if name:
        return local_path(name, environment)
    if environment.get("CLOUD_ML_TRIAL_ID"):
        return Path("/tmp/hypertune/output.metrics")  # noqa: S108
    return None
