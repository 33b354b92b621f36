"""What Vertex AI tells a job: directories, cluster, SIGTERM and secrets.

`read_context` is a pure function of the environment; `locate` maps gs:// addresses to the Cloud
Storage FUSE mount that every custom job has at /gcs.
"""

import base64
import json
import os
import shutil
import signal
import time
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from trainer.errors import TERMINATED, TrainerError, UsageError
from trainer.storage import GsAddress, Location, fetch, fetch_folder, publish, scratch, storage_of

if TYPE_CHECKING:
    from google.auth.transport.requests import AuthorizedSession

DEFAULT_MASTER_PORT = 2222
ONE_REQUEST = 5.0  # seconds in which several signals are one request
SECRETS_VARIABLE = "DAGFACTORY_SECRETS"
ACCESS_URL = "https://secretmanager.googleapis.com/v1/{}:access"
CLOUD_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
ACCESS_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where this machine stands among those of a job."""

    rank: int = 0
    machines: int = 1
    master: str = "localhost"
    port: int = DEFAULT_MASTER_PORT


@dataclass(frozen=True, slots=True)
class Process:
    """Which of the processes that torchrun started this one is, if it started any."""

    started: bool = False
    rank: int = 0
    world_size: int = 1
    local_rank: int = 0


ALONE = Process()


@dataclass(frozen=True, slots=True)
class RunContext:
    """Directories, rank in the cluster and identity of a job.

    Without a mount for gs:// addresses, models and logs are written to a directory of this
    machine and published to the addresses from there; checkpoints go to theirs directly.
    """

    model_dir: Path
    checkpoint_dir: Location
    log_dir: Path | None  # where TensorBoard looks; None where nobody does
    cluster: Cluster
    published: Mapping[Path, GsAddress] = field(default_factory=dict)
    process: Process = ALONE
    job_id: str | None = None
    trial_id: str | None = None
    metric_file: Path | None = None

    @property
    def model_address(self) -> Location:
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


def locate(address: str, environment: Mapping[str, str] = os.environ) -> Location:
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
    found = locate(address, environment)
    return fetch(found) if isinstance(found, GsAddress) else found


def read_context(environment: Mapping[str, str], output: str | None) -> RunContext:
    """Build the RunContext; `output` is the base directory where AIP_MODEL_DIR is absent."""
    model = environment.get("AIP_MODEL_DIR")
    if not model and not output:
        raise UsageError("AIP_MODEL_DIR is not set: say where to write with --output=DIR")
    base = model.rstrip("/").rpartition("/")[0] if model else str(output).rstrip("/")

    def named(variable: str, name: str) -> Location:
        return locate(environment.get(variable) or f"{base}/{name}", environment)

    logs = environment.get("AIP_TENSORBOARD_LOG_DIR")
    return RunContext(
        checkpoint_dir=named("AIP_CHECKPOINT_DIR", "checkpoints"),
        cluster=read_cluster(environment),
        process=read_process(environment),
        job_id=environment.get("CLOUD_ML_JOB_ID"),
        trial_id=environment.get("CLOUD_ML_TRIAL_ID") or None,
        metric_file=_metric_file(environment),
        **_written(named("AIP_MODEL_DIR", "model"), locate(logs, environment) if logs else None),
    )


def _written(model: Location, logs: Location | None) -> dict[str, Any]:
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
    return Process(started=True, rank=rank, world_size=world, local_rank=local)


def read_cluster(environment: Mapping[str, str]) -> Cluster:
    """Rank in the cluster: CLUSTER_SPEC first, then RANK and WORLD_SIZE, else one machine."""
    spec = environment.get("CLUSTER_SPEC")
    if spec:
        return _from_cluster_spec(spec)
    if "RANK" in environment and "WORLD_SIZE" in environment:
        return Cluster(
            rank=_whole(environment, "RANK"),
            machines=_whole(environment, "WORLD_SIZE"),
            master=environment.get("MASTER_ADDR", "localhost"),
            port=_whole({"MASTER_PORT": f"{DEFAULT_MASTER_PORT}", **environment}, "MASTER_PORT"),
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
        if task["type"] not in {"workerpool0", "workerpool1"}:
            raise TrainerError(
                f"CLUSTER_SPEC: {task['type']} does not train; use two pools at most"
            )
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


@dataclass(slots=True)
class StopRequest:
    """SIGTERM or Ctrl-C: finish the step, save, leave with 143; one that comes again later leaves at once.

    One request arrives more than once: timeout(1) signals its child, then the group of both, and a
    service manager signals every process, of which the agent signals its own again.
    """

    asked: bool = False
    since: float = 0.0

    def install(self) -> "StopRequest":
        """Handle SIGTERM from now on."""
        signal.signal(signal.SIGTERM, self._handle)
        signal.signal(signal.SIGINT, self._handle)
        return self

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if not self.asked:
            self.asked, self.since = True, now
        elif now - self.since > ONE_REQUEST:
            os._exit(TERMINATED)


def load_secrets(environment: MutableMapping[str, str]) -> list[str]:
    """Put every secret into the environment; returns the variable names, never a value."""
    names = read_secret_names(environment.get(SECRETS_VARIABLE))
    if not names:
        return []
    import google.auth
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import AuthorizedSession
    from requests import RequestException

    try:
        credentials, _ = google.auth.default(scopes=[CLOUD_SCOPE])
        session = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
        for variable, name in names.items():
            environment[variable] = access_secret(session, name)
    except (GoogleAuthError, RequestException) as error:
        raise TrainerError(f"Secret Manager cannot be asked: {error}") from None
    return sorted(names)


def read_secret_names(text: str | None) -> dict[str, str]:
    """`{variable: resource name}` from the JSON in DAGFACTORY_SECRETS."""
    if not text:
        return {}
    try:
        names = json.loads(text)
    except ValueError as error:
        raise TrainerError(f"{SECRETS_VARIABLE} is not JSON: {error}") from None
    if not isinstance(names, dict) or not all(isinstance(v, str) for v in names.values()):
        raise TrainerError(f"{SECRETS_VARIABLE} must map variables to secret versions")
    return names


def access_secret(session: "AuthorizedSession", name: str) -> str:
    """Fetch the text of one secret version; the error names it and the status only."""
    response = session.get(ACCESS_URL.format(name), timeout=ACCESS_SECONDS)
    if not response.ok:
        raise TrainerError(f"secret {name} cannot be read: HTTP {response.status_code}")
    return base64.b64decode(response.json()["payload"]["data"]).decode()
