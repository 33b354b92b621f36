"""What every Vertex AI job task has: code, arguments, machine, environment, secrets."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from dagfactory.catalogue.machines import shapes
from dagfactory.diagnostics.wording import shorten
from dagfactory.language.common import (
    KMS_KEY,
    AbsolutePath,
    ExperimentName,
    FolderName,
    KmsKey,
    LabelText,
    PersistentResource,
    PositiveDuration,
    ServiceAccount,
    SpecModel,
    Text,
    TpuTopology,
    bad,
    is_open,
    listed,
    missing,
    package_uri,
)
from dagfactory.language.task import TaskBase

Provisioning: TypeAlias = Literal["standard", "spot", "flex_start", "reservation"]
Scalar: TypeAlias = str | int | float | bool | None
ArgumentValue: TypeAlias = Scalar | list[Scalar]
ArgumentStyle: TypeAlias = Literal["gnu", "argparse", "hydra"]
Data: TypeAlias = Any
"""Any YAML value; it reaches the DAG file as a literal."""

_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
# with what Hydra allows in front of a key, and in the name of a group
_ARGUMENT = re.compile(r"[+~]{0,2}[A-Za-z_][A-Za-z0-9_./@:-]*", re.ASCII)
PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,255}|projects/[^/\s]+/secrets/[^/\s]+(/versions/[^/\s]+)?")


def _module(value: str) -> str:
    if not _MODULE.fullmatch(value):
        raise bad(f"`{value}` is not a Python module", "write for example `trainer.textures`")
    return value


def _argument_name(value: str) -> str:
    if not _ARGUMENT.fullmatch(value):
        remedy = "begin with a letter; then letters, digits and `_ . - / @ :` of ASCII may follow"
        if _ARGUMENT.fullmatch(value.lstrip("-")):
            remedy = "write it without leading dashes"
        raise bad(f"`{value}` is not the name of an argument", remedy)
    return value


def _variable_name(value: str) -> str:
    if not _VARIABLE.fullmatch(value):
        raise bad(f"`{value}` is not an environment variable", "use letters, digits and `_`")
    if value.startswith(("AIP_", "CLOUD_ML_", "DAGFACTORY_")):
        raise bad(f"`{value}` is set by Vertex AI or dagfactory", "choose another name")
    return value


def _secret(value: str) -> str:
    if not _SECRET.fullmatch(value):
        raise bad(
            "not the id of a secret in Secret Manager",
            "write the secret's id, never its value",
            hidden=True,
        )
    return value


def is_local(package: str) -> bool:
    """Whether a package is a folder of the project, not an address."""
    return "://" not in package and not is_open(package)


def _package(value: str) -> str:
    # a built file of the project would be one more thing to keep and to review
    built = value.endswith((".tar.gz", ".whl", ".zip"))
    return value if is_local(value) and value.strip() and not built else package_uri(value)


def _script(value: str) -> str:
    if not value.endswith(".py"):
        remedy = "write the path of a `.py` file, for example `train.py`"
        raise bad(f"`{shorten(value)}` is not a Python file", remedy)
    return value


ModuleName = Annotated[str, AfterValidator(_module)]
ScriptPath = Annotated[Text, AfterValidator(_script)]
ArgumentName = Annotated[str, AfterValidator(_argument_name)]
VariableName = Annotated[str, AfterValidator(_variable_name)]
SecretId = Annotated[str, AfterValidator(_secret)]
Package = Annotated[str, AfterValidator(_package)]
Packages = Annotated[
    list[Package],
    BeforeValidator(listed, json_schema_input_type=str | list[str]),
    Field(min_length=1, max_length=100),
]
"""One package or a list of them, at most as many as Vertex AI installs."""
PositionalArguments = Annotated[
    list[Scalar], BeforeValidator(listed, json_schema_input_type=str | list[Scalar])
]
"""One argument or a list of them, in the program's order."""
Requirements = Annotated[
    list[Text], BeforeValidator(listed, json_schema_input_type=str | list[str])
]
"""One requirement or a list of them; one that ends in `.txt` is a file with one on each line."""


_EXCLUSIVE = (
    ("module", "command"),
    ("package", "command"),
    ("script", "command"),
    ("script", "module"),
    ("script", "package"),
)
"""Pairs of keys that both say what a job runs."""


class Accelerator(SpecModel):
    """A GPU type and how many of them one machine gets."""

    type: str = Field(description="Vertex accelerator type.", examples=["NVIDIA_TESLA_T4"])
    count: int = Field(default=1, ge=1, le=16, description="GPUs of one machine.")


class Disk(SpecModel):
    """The boot disk of each machine."""

    type: Literal["pd-ssd", "pd-standard", "hyperdisk-balanced"] = Field(
        default="pd-ssd", description="Kind of disk."
    )
    size_gb: int = Field(default=100, ge=100, le=64000, description="Size in GB.")


class Fallback(SpecModel):
    """What to change when there is no capacity; tried in order."""

    region: str | None = Field(default=None, description="Another region.", examples=["us-east1"])
    provisioning: Literal["standard", "spot", "flex_start"] | None = Field(
        default=None, description="Another way to buy the machine."
    )
    type: str | None = Field(default=None, description="Another machine type.")
    accelerator: Accelerator | None = Field(
        default=None, description="Other GPUs to attach; those of the machine if absent."
    )

    @model_validator(mode="after")
    def _something(self) -> Fallback:
        if not (self.region or self.provisioning or self.type or self.accelerator):
            raise bad("a fallback changes `region`, `provisioning`, `type` or `accelerator`")
        return self


def _one_accelerator(kind: str, attached: Accelerator | None, at: tuple[str | int, ...]) -> None:
    """Raise for a GPU that is attached to a machine which has its own."""
    built_in = shapes().get(kind)
    if attached and built_in and built_in.gpus:
        raise bad(
            f"`{kind}` already has {built_in.gpus} x {built_in.accelerator}",
            "delete `accelerator`",
            (*at, "accelerator"),
        )


class Machine(SpecModel, defer_build=False):
    """The machines of a job and how they are bought."""

    type: str = Field(description="Compute Engine machine type.", examples=["a2-highgpu-1g"])
    accelerator: Accelerator | None = Field(
        default=None, description="GPUs to attach; machine types with built-in GPUs need none."
    )
    tpu_topology: TpuTopology | None = Field(
        default=None,
        description="How the chips of a TPU machine are arranged.",
        examples=["2x2"],
    )
    replicas: int = Field(default=1, ge=1, le=1000, description="How many machines, all alike.")
    provisioning: Provisioning = Field(
        default="standard",
        description="How machines are bought: at once, as preemptible Spot, queued, or reserved.",
    )
    reservation: str | None = Field(
        default=None,
        description="Full name of the reservation, or `any` for all that are open, and on-demand"
        " machines where they have none left; goes with `provisioning: reservation`.",
    )
    max_wait: PositiveDuration | None = Field(
        default=None,
        description="How long a job may wait for its machines before the next `fallback`.",
    )
    disk: Disk | None = Field(default=None, description="Boot disk; 100 GB of pd-ssd if absent.")
    fallback: list[Fallback] = Field(
        default_factory=list,
        description="Tried in order when capacity is missing.",
        examples=[[{"region": "us-east1"}, {"provisioning": "standard"}]],
    )

    @model_validator(mode="after")
    def _consistent(self) -> Machine:
        _one_accelerator(self.type, self.accelerator, ())
        for index, each in enumerate(self.fallback):
            _one_accelerator(each.type or self.type, each.accelerator, ("fallback", index))
        if (self.provisioning == "reservation") != (self.reservation is not None):
            raise bad("`provisioning: reservation` and `reservation: NAME` go together")
        return self


class NfsMount(SpecModel):
    """A network file system and where containers see it."""

    server: Text = Field(description="Address of the server.", examples=["10.0.0.5"])
    path: AbsolutePath = Field(description="Path that the server exports.", examples=["/data"])
    mount_point: FolderName = Field(
        description="Folder below `/mnt/nfs` in the containers.", examples=["data"]
    )


class DnsPeering(SpecModel):
    """A domain whose names are looked up in a VPC network."""

    domain: Text = Field(description="DNS suffix, with a dot at its end.", examples=["corp.local."])
    target_project: Text = Field(description="Project of the network.", examples=["my-network"])
    target_network: Text = Field(description="Name of the network.", examples=["default"])


class PscInterface(SpecModel):
    """A Private Service Connect interface of the job's machines."""

    network_attachment: Text = Field(
        description="Full resource name of the network attachment, or its name.",
        examples=["projects/p/regions/r/networkAttachments/jobs"],
    )
    dns_peering: list[DnsPeering] = Field(
        default_factory=list,
        description="Domains looked up in the network.",
        examples=[[{"domain": "corp.local.", "target_project": "p", "target_network": "default"}]],
    )


class JobTask(TaskBase):
    """A task that runs one Vertex AI training job."""

    image: str | None = Field(
        default=None, description="Container image; `defaults.image` if absent.", min_length=1
    )
    script: ScriptPath | None = Field(
        default=None,
        description="A Python file of the project; runs in a prebuilt container, with the modules "
        "beside it that it imports.",
        examples=["train.py"],
    )
    package: Packages | None = Field(
        default=None,
        description="Python packages to install in a prebuilt container: folders of the project, or "
        "built packages in a bucket; runs `module` of them.",
        examples=["./src", "gs://bucket/packages/trainer-0.1.0.tar.gz"],
    )
    requirements: Requirements = Field(
        default_factory=list,
        description="What `script` or a `package` of the project needs beyond the image: "
        "requirements, or a file of them.",
        examples=[["transformers==4.57.1"], "requirements.txt"],
    )
    module: ModuleName | None = Field(
        default=None, description="Python module to run (`python -m MODULE`).", examples=["trainer"]
    )
    command: list[str] | None = Field(
        default=None,
        description="Command to run instead of a module; with neither, the image's own.",
        min_length=1,
    )
    positional: PositionalArguments = Field(
        default_factory=list,
        description="Arguments without a name, such as a subcommand or a folder; they come before "
        "`args`.",
        examples=[["fit"], "${tasks.extract.uri}"],
    )
    args: dict[ArgumentName, ArgumentValue] = Field(
        default_factory=dict,
        description="Arguments, passed as `--name=value` unless `arguments` says otherwise; null"
        " leaves one out.",
        examples=[{"epochs": 10, "data": "${tasks.extract.uri}"}],
    )
    arguments: ArgumentStyle = Field(
        default="gnu",
        description="How the program reads arguments: `--name=value`; `argparse` with bare flags"
        " (`--name`) and lists of words; `hydra` with `name=value`.",
    )
    machine: Machine | None = Field(
        default=None, description="Machines; `defaults.machine` if absent."
    )
    env: dict[VariableName, str] = Field(
        default_factory=dict,
        description="Plain environment variables of the container.",
        examples=[{"WANDB_PROJECT": "arr-coc"}],
    )
    secrets: dict[VariableName, SecretId] = Field(
        default_factory=dict,
        description="Variable → Secret Manager id. The job reads the value; it is never rendered.",
        examples=[{"WANDB_API_KEY": "wandb-api-key"}],
    )
    labels: dict[LabelText, LabelText] = Field(
        default_factory=dict,
        description="Labels for billing reports.",
        examples=[{"team": "vision"}],
    )
    service_account: ServiceAccount | None = Field(
        default=None, description="Service account of the job; the environment's if absent."
    )
    network: str | None = Field(default=None, description="VPC network, full resource name.")
    tensorboard: str | None = Field(default=None, description="TensorBoard, full resource name.")
    experiment: ExperimentName | None = Field(
        default=None,
        description="Experiment of Vertex AI that the job, or each trial, is a run of: its arguments, "
        "final metrics and state.",
        examples=["arr-coc"],
    )
    enable_web_access: bool = Field(
        default=False, description="Let people open a shell in the running containers."
    )
    kms_key: KmsKey | None = Field(
        default=None, description="Cloud KMS key of the job's data.", examples=[KMS_KEY]
    )
    persistent_resource: PersistentResource | None = Field(
        default=None,
        description="Id of a persistent resource whose machines, already there, run the job.",
        examples=["training-cluster"],
    )
    nfs_mounts: list[NfsMount] = Field(
        default_factory=list,
        description="Network file systems, mounted in every container.",
        examples=[[{"server": "10.0.0.5", "path": "/data", "mount_point": "data"}]],
    )
    psc_interface: PscInterface | None = Field(
        default=None,
        description="The way into a VPC network by Private Service Connect.",
        examples=[{"network_attachment": "projects/p/regions/r/networkAttachments/jobs"}],
    )
    restart: bool = Field(
        default=True, description="Let Vertex restart the job when a worker restarts (preemption)."
    )
    poll: PositiveDuration | None = Field(
        default=None,
        description="How often Airflow asks Vertex for the state; 30 s if absent, "
        "and never less than a second for every five jobs that may run at the same time.",
    )

    @model_validator(mode="before")
    @classmethod
    def _one_program(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        for key, other in _EXCLUSIVE:
            if data.get(key) and data.get(other):
                raise bad(f"`{key}` and `{other}` exclude each other", "keep one", (other,))
        if data.get("package") and not (data.get("module") or cls.model_fields["module"].default):
            raise missing("module", "`package` says what to install, `module` what of it to run")
        if data.get("requirements") and not _has_own_code(data):
            message = "`requirements` go with `script`, or with a `package` of the project"
            raise bad(message, "what is built has requirements of its own", ("requirements",))
        return data


def _has_own_code(data: dict[str, Any]) -> bool:
    """Whether a job has code of the project, which has no requirements by itself."""
    packages = listed(data.get("package") or [])
    texts = (
        (each for each in packages if isinstance(each, str)) if isinstance(packages, list) else ()
    )
    return bool(data.get("script")) or any(map(is_local, texts))
