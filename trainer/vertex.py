"""What Vertex AI tells a job through its environment, as one value.

`read_context` is a pure function of the environment; `place` maps gs:// addresses to the
Cloud Storage FUSE mount that every custom job has at /gcs.
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from trainer.errors import TrainerError, UsageError
from trainer.mirror import fetch, fetch_folder, publish, scratch
from trainer.place import GsAddress, Place
from trainer.storage import storage_of

DEFAULT_MASTER_PORT = 2222


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where this machine stands among those of a job."""

    rank: int = 0
    world: int = 1
    master: str = "localhost"
    port: int = DEFAULT_MASTER_PORT


@dataclass(frozen=True, slots=True)
class Process:
    """Which of the processes that torchrun started this one is, if it started any."""

    started: bool = False
    rank: int = 0
    world: int = 1
    local_rank: int = 0


ALONE = Process()


@dataclass(frozen=True, slots=True)
class RunContext:
    """Directories, place in the cluster and identity of a job.

    Without a mount for gs:// addresses, models and logs are written to a directory of this
    machine and published to the addresses from there; checkpoints go to theirs directly.
    """

    model_dir: Path
    checkpoint_dir: Place
    log_dir: Path | None  # where TensorBoard looks; None where nobody does
    cluster: Cluster
    published: Mapping[Path, GsAddress] = field(default_factory=dict)
    process: Process = ALONE
    job_id: str | None = None
    trial_id: str | None = None
    metric_file: Path | None = None

    @property
    def model_address(self) -> Place:
        """Where others find the model directory."""
        return self.published.get(self.model_dir, self.model_dir)

    def below(self, name: str) -> "RunContext":
        """Where one of several trials writes: beside the model directory, as a job of its own."""
        home = self.model_address.parent / name
        return replace(
            self,
            checkpoint_dir=home / "checkpoints",
            trial_id=None,
            metric_file=None,
            **_written(home / "model", home / "logs" if self.log_dir else None),
        )

    def publish(self) -> None:
        """Bring to the bucket what was written to this machine, where that is so."""
        for directory, address in self.published.items():
            publish(directory, address)

    def fetch(self) -> None:
        """Bring here what an earlier start has published, where that is so, and nothing else."""
        for directory, address in self.published.items():
            shutil.rmtree(directory, ignore_errors=True)  # of another run at this address, perhaps
            fetch_folder(address)

    def withdraw(self, name: str) -> None:
        """Remove a file of the model directory, here and in the bucket."""
        (self.model_dir / name).unlink(missing_ok=True)
        if self.model_dir in self.published:
            address = self.published[self.model_dir] / name
            storage_of(address).remove(str(address))


def place(address: str, environment: Mapping[str, str] = os.environ) -> Place:
    """Path of an address; a gs:// address is one under the mount, and itself without a mount.

    The mount is $GCSFUSE_ROOT, /gcs where that is not set. Raises TrainerError where
    GCSFUSE_ROOT names a mount that is missing.
    """
    if not address.startswith("gs://"):
        return Path(address)
    named = environment.get("GCSFUSE_ROOT")
    root = Path(named or "/gcs")
    if root.is_dir():
        return root / address.removeprefix("gs://").rstrip("/")
    if named:
        raise TrainerError(
            f"{address} needs the Cloud Storage FUSE mount at {root}, which is missing; "
            "set GCSFUSE_ROOT or give a local path"
        )
    return GsAddress(address.rstrip("/"))


def local_path(address: str, environment: Mapping[str, str] = os.environ) -> Path:
    """File path of an input; without a mount it is fetched from its bucket."""
    found = place(address, environment)
    return fetch(found) if isinstance(found, GsAddress) else found


def read_context(environment: Mapping[str, str], output: str | None) -> RunContext:
    """Build the RunContext; `output` is the base directory where AIP_MODEL_DIR is absent."""
    model = environment.get("AIP_MODEL_DIR")
    if not model and not output:
        raise UsageError("AIP_MODEL_DIR is not set: say where to write with --output=DIR")
    base = model.rstrip("/").rpartition("/")[0] if model else str(output).rstrip("/")

    def named(variable: str, name: str) -> Place:
        return place(environment.get(variable) or f"{base}/{name}", environment)

    logs = environment.get("AIP_TENSORBOARD_LOG_DIR")
    return RunContext(
        checkpoint_dir=named("AIP_CHECKPOINT_DIR", "checkpoints"),
        cluster=read_cluster(environment),
        process=read_process(environment),
        job_id=environment.get("CLOUD_ML_JOB_ID"),
        trial_id=environment.get("CLOUD_ML_TRIAL_ID") or None,
        metric_file=_metric_file(environment),
        **_written(named("AIP_MODEL_DIR", "model"), place(logs, environment) if logs else None),
    )


def _written(model: Place, logs: Place | None) -> dict[str, Any]:
    """Directories that are written to, and the addresses that some of them stand for."""
    found = {"model_dir": model} | ({"log_dir": logs} if logs else {})
    remote = {name: where for name, where in found.items() if isinstance(where, GsAddress)}
    local = {name: scratch(where) for name, where in remote.items()}
    published = {local[name]: where for name, where in remote.items()}
    return {"log_dir": None, **found, **local, "published": published}


def current_context(output: str | None) -> RunContext:
    """Read the RunContext of this process."""
    return read_context(os.environ, output)


def read_process(environment: Mapping[str, str]) -> Process:
    """Read torchrun's variables. LOCAL_RANK tells them from those that Vertex AI may set."""
    if "LOCAL_RANK" not in environment:
        return ALONE
    rank, world, local = (_whole(environment, n) for n in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
    return Process(started=True, rank=rank, world=world, local_rank=local)


def read_cluster(environment: Mapping[str, str]) -> Cluster:
    """Place in the cluster: CLUSTER_SPEC first, then RANK and WORLD_SIZE, else one machine."""
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
    except KeyError:
        raise TrainerError(f"LOCAL_RANK is set, {name} is not") from None
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
