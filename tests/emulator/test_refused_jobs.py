"""Jobs that Google's documents and records forbid: refused, each with the field and all in one answer.

The first eighteen are those that once were let pass; a source is named where the text is recorded.
"""

from pathlib import Path
from typing import Any

import messages
import pytest
from google.protobuf import json_format

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.vertex.job_rules import LABELS_TEXT, RESOURCE_ID_TEXT, JobRules

Change = dict[str, Any]
L4 = {"acceleratorType": "NVIDIA_L4", "acceleratorCount": 1}
T4 = {"acceleratorType": "NVIDIA_TESLA_T4", "acceleratorCount": 1}
H100 = {"acceleratorType": "NVIDIA_H100_80GB", "acceleratorCount": 1}
NAMED = "compute.googleapis.com/reservation-name"
HERE = "projects/1/locations/us-central1"
PACKAGE = {"executorImageUri": "i", "packageUris": ["gs://b/p.tar.gz"], "pythonModule": "m"}


def machine(kind: str, count: int = 0, accelerator: str = "", **fields: Any) -> Change:
    """Return a change to another machine."""
    made: Change = {"machineType": kind, **fields}
    if accelerator:
        made["acceleratorType"] = accelerator
    return {"machine": made | ({"acceleratorCount": count} if count else {})}


def spec(**fields: Any) -> Change:
    return {"spec": fields}


def pool(**fields: Any) -> Change:
    return {"pool": fields}


def named(**fields: Any) -> Change:
    return {"job": fields}


def scheduling(strategy: str, **fields: Any) -> Change:
    return spec(scheduling={"strategy": strategy, **fields})


def reserved(kind: str = "SPECIFIC_RESERVATION", **fields: Any) -> Change:
    return {"reservationAffinity": {"reservationAffinityType": kind, **fields}}


def container(**fields: Any) -> Change:
    return pool(containerSpec={"imageUri": "i", **fields})


def package(**fields: Any) -> Change:
    return {"pool": {"containerSpec": None, "pythonPackageSpec": PACKAGE | fields}}


SECOND = {"machineSpec": {"machineType": "n1-standard-4"}, "containerSpec": {"imageUri": "i"}}
ONE = "projects/p/zones/z/reservations/r"
SPECIFIC = reserved(key=NAMED, values=[ONE])
MACHINE, KIND, COUNT = (
    f"machine_spec.{each}" for each in ("machine_type", "accelerator_type", "accelerator_count")
)
BUCKET_REGION = "is in location `europe-west4`. It must be in the same regional location as the"
PAIR = "Both `accelerator_type` and `accelerator_count` should be specified or none."

# what is changed, the field that is named, words of the message
FORBIDDEN: list[tuple[Change, str, str]] = [
    (machine("foo-bar-4"), MACHINE, 'Machine type "foo-bar-4" is not supported.'),
    (machine("n1-standard-1"), MACHINE, 'Machine type "n1-standard-1" is not supported.'),
    (machine("g2-standard-4"), KIND, "not supported without 1 NVIDIA_L4"),
    (machine("g2-standard-4", 4, "NVIDIA_L4"), COUNT, "The accelerator count 4 "),
    (machine("e2-standard-4", **T4), KIND, "is not supported for machine type"),
    (machine("n1-standard-4", 3, "NVIDIA_TESLA_T4"), COUNT, "The accelerator count 3 "),
    (
        machine("n1-standard-4", **T4) | scheduling("FLEX_START"),
        MACHINE,
        "Accelerator NVIDIA_TESLA_T4 is not supported with FLEX_START.",
    ),
    (machine("a3-highgpu-1g", **H100), MACHINE, "is not supported with STANDARD."),
    (named(labels={"A B": "C!"}), "custom_job.labels", LABELS_TEXT),  # cortex-data-foundation#27
    (named(labels={"a": "x" * 100}), "custom_job.labels", LABELS_TEXT),
    (named(displayName="x" * 300), "custom_job.display_name", "up to 128 characters long"),
    (
        spec(baseOutputDirectory={"outputUriPrefix": "here/x"}),
        "base_output_directory.output_uri_prefix",
        "does not start with `gs://`",
    ),
    (spec(baseOutputDirectory={"outputUriPrefix": "gs://nothere/x"}), "", "does not exist"),
    (spec(serviceAccount="me"), "service_account", "`me`"),
    (
        pool(diskSpec={"bootDiskType": "pd-nope", "bootDiskSizeGb": 10}),
        "disk_spec.boot_disk_type",
        "2.Field: job_spec.worker_pool_specs[0].disk_spec.boot_disk_size_gb",
    ),
    (container(env=[{"name": "A B", "value": "x"}]), "container_spec.env", "`A B` is invalid"),
    (
        machine("n1-standard-4", **SPECIFIC) | scheduling("SPOT"),
        "machine_spec.reservation_affinity",
        "SPOT cannot be combined",
    ),
    ({"region": "nowhere-1"}, "", "Location nowhere-1 is not found"),
    # machines that there are not
    (machine(""), MACHINE, "The machine type is required."),
    (machine("n1-standard-2"), MACHINE, "is not supported"),
    (machine("N1-standard-4"), MACHINE, "is not supported"),
    (machine("n1_standard_4"), MACHINE, "is not supported"),
    (machine("e2-standard-2"), MACHINE, "is not supported"),
    (machine("a2-highgpu-3g", 3, "NVIDIA_TESLA_A100"), MACHINE, "is not supported"),
    (machine("a3-highgpu-16g", 16, "NVIDIA_H100_80GB"), MACHINE, "is not supported"),
    (machine("g2-standard-64", **L4), MACHINE, "is not supported"),
    (machine("p3.2xlarge"), MACHINE, "is not supported"),
    (machine("Standard_NC6"), MACHINE, "is not supported"),
    # machines and their own accelerators
    (machine("a2-highgpu-1g"), KIND, "without 1 NVIDIA_TESLA_A100"),
    (machine("a2-ultragpu-8g"), KIND, "without 8 NVIDIA_A100_80GB"),
    (machine("a3-megagpu-8g"), KIND, "without 8 NVIDIA_H100_MEGA_80GB"),
    (machine("g4-standard-48"), KIND, "without 1 NVIDIA_RTX_PRO_6000"),
    (machine("a2-highgpu-1g", 2, "NVIDIA_TESLA_A100"), COUNT, "count 2 "),
    (machine("a2-highgpu-1g", 1, "NVIDIA_A100_80GB"), KIND, "not supported for machine type"),
    (machine("a2-ultragpu-1g", 1, "NVIDIA_TESLA_A100"), KIND, "not supported for machine type"),
    (machine("a3-highgpu-8g", 8, "NVIDIA_H100_MEGA_80GB"), KIND, "for machine type"),
    (machine("a3-megagpu-8g", 8, "NVIDIA_H100_80GB"), KIND, "for machine type"),
    (machine("a3-megagpu-8g", 4, "NVIDIA_H100_MEGA_80GB"), COUNT, "count 4 "),
    (machine("g2-standard-24", **L4), COUNT, "count 1 "),
    (machine("g2-standard-4", **T4), KIND, "for machine type"),
    # accelerators that cannot be attached
    (machine("n2-standard-8", **T4), KIND, "for machine type"),
    (machine("n4-standard-8", **T4), KIND, "for machine type"),
    (machine("c2-standard-8", **L4), KIND, "for machine type"),
    (machine("m1-ultramem-40", **T4), KIND, "for machine type"),
    (machine("n1-standard-4", **L4), KIND, "for machine type"),
    (machine("n1-standard-4", 1, "NVIDIA_TESLA_A100"), KIND, "for machine type"),
    (machine("n1-standard-4", 8, "NVIDIA_TESLA_T4"), COUNT, "count 8 "),
    (machine("n1-standard-32", **T4), COUNT, "count 1 "),
    (machine("n1-standard-96", 2, "NVIDIA_TESLA_T4"), COUNT, "count 2 "),
    (machine("n1-standard-64", 4, "NVIDIA_TESLA_V100"), COUNT, "count 4 "),
    (machine("n1-standard-64", 4, "NVIDIA_TESLA_P100"), KIND, "for machine type"),
    (machine("n1-standard-8", 1, "NVIDIA_TESLA_P100"), KIND, "since 2026-09-15"),
    (machine("n1-standard-8", 1, "NVIDIA_TESLA_K80"), KIND, "for machine type"),
    (machine("n1-standard-4", -1, "NVIDIA_TESLA_T4"), COUNT, "count -1 "),
    (machine("n1-standard-4", 0, "NVIDIA_TESLA_T4"), KIND, PAIR),  # prefect-gcp#175
    (machine("n1-standard-4", 1), KIND, PAIR),
    # TPUs
    (machine("ct5lp-hightpu-4t"), "machine_spec.tpu_topology", "is required"),
    (machine("ct5lp-hightpu-4t", tpuTopology="two"), "machine_spec.tpu_topology", "`two`"),
    (machine("n1-standard-4", tpuTopology="2x2"), "machine_spec.tpu_topology", "not supported"),
    (machine("ct5lp-hightpu-4t", **T4), KIND, "for machine type"),
    # places
    (machine("g2-standard-4", **L4) | {"region": "us-south1"}, KIND, "in region us-south1"),
    (machine("n1-standard-4", **T4) | {"region": "us-east5"}, KIND, "in region us-east5"),
    (
        machine("a2-highgpu-1g", 1, "NVIDIA_TESLA_A100") | {"region": "us-east4"},
        KIND,
        "The specified accelerator type NVIDIA_TESLA_A100 is not available in region us-east4.",
    ),
    (
        machine("ct5lp-hightpu-4t", tpuTopology="2x2") | {"region": "europe-west4"},
        KIND,
        "TPU_V5E is not available in region europe-west4",
    ),
    ({"region": "us"}, "", "Location us is not found"),
    ({"region": "US-CENTRAL1"}, "", "Location US-CENTRAL1 is not found"),
    ({"region": "europe-west4", "bucket": "us-central1"}, "", "in location `us-central1`"),
    ({"bucket": "europe-west4"}, "", BUCKET_REGION),  # python-aiplatform#885
    ({"bucket": "american"}, "", "in location `us`"),
    # how machines are bought
    (machine("a3-highgpu-4g", 4, "NVIDIA_H100_80GB"), MACHINE, "with STANDARD"),
    (machine("a4x-highgpu-4g", 4, "NVIDIA_GB200"), MACHINE, "with STANDARD"),
    (
        machine("a4x-highgpu-4g", 4, "NVIDIA_GB200") | scheduling("SPOT"),
        MACHINE,
        "with SPOT",
    ),
    (scheduling("FLEX_START"), MACHINE, '"n1-standard-4" is not supported with FLEX_START'),
    (
        machine("n1-standard-4", 1, "NVIDIA_TESLA_V100") | scheduling("FLEX_START"),
        MACHINE,
        "NVIDIA_TESLA_V100 is not supported with FLEX_START",
    ),
    (
        machine("g2-standard-4", **L4) | scheduling("FLEX_START", timeout="604801s"),
        "scheduling.timeout",
        "at most 7 days",
    ),
    (scheduling("SPOT", maxWaitDuration="60s"), "scheduling.max_wait_duration", "FLEX_START"),
    (spec(scheduling={"maxWaitDuration": "60s"}), "scheduling.max_wait_duration", "FLEX_START"),
    (spec(scheduling={"timeout": "-1s"}), "scheduling.timeout", "negative"),
    (
        machine("g2-standard-4", **L4, **SPECIFIC) | scheduling("FLEX_START"),
        "machine_spec.reservation_affinity",
        "FLEX_START cannot be combined",
    ),
    (
        machine("n1-standard-4", **reserved(key="name", values=[ONE])),
        "machine_spec.reservation_affinity.key",
        NAMED,
    ),
    (
        machine("n1-standard-4", **reserved(key=NAMED)),
        "machine_spec.reservation_affinity.values",
        "needs the name",
    ),
    (
        machine("n1-standard-4", **reserved("ANY_RESERVATION", key=NAMED, values=[ONE])),
        "machine_spec.reservation_affinity.key",
        "SPECIFIC_RESERVATION only",
    ),
    # pools
    (spec(workerPoolSpecs=[]), "job_spec.worker_pool_specs", "At least one"),
    ({"pools": [SECOND | {"replicaCount": 1}] * 4}, "job_spec.worker_pool_specs", "not 5"),
    (pool(replicaCount=2), "replica_count", "not 2"),
    (pool(replicaCount=0), "replica_count", "not 0"),
    ({"pools": [SECOND]}, "worker_pool_specs[1].replica_count", "at least 1"),
    (
        {"pools": [SECOND | {"replicaCount": 1, "machineSpec": {}}]},
        "worker_pool_specs[1].machine_spec.machine_type",
        "required",
    ),
    (
        {"pools": [{"replicaCount": 1, "machineSpec": {"machineType": "n1-standard-4"}}]},
        "worker_pool_specs[1].task",
        "is required",
    ),
    (
        machine("ct5lp-hightpu-4t", tpuTopology="2x2") | {"pools": [SECOND | {"replicaCount": 1}]},
        "replica_count",
        "one worker pool of one replica",
    ),
    (pool(containerSpec=None), "task", "is required"),
    (pool(containerSpec={"command": ["x"]}), "container_spec.image_uri", "is required"),
    (package(executorImageUri=""), "python_package_spec.executor_image_uri", "is required"),
    (package(packageUris=[]), "python_package_spec.package_uris", "is required"),
    (package(pythonModule=""), "python_package_spec.python_module", "is required"),
    (package(packageUris=["here.tar.gz"]), "python_package_spec.package_uris", "here.tar.gz"),
    (package(packageUris=["gs://b/p.whl"] * 101), "python_package_spec.package_uris", "100"),
    (package(env=[{"name": "1A"}]), "python_package_spec.env", "`1A`"),
    (container(env=[{"name": "", "value": "x"}]), "container_spec.env", "invalid"),
    (container(env=[{"name": "A"}, {"name": "A"}]), "container_spec.env", "must be unique"),
    (pool(diskSpec={"bootDiskType": "local-ssd"}), "disk_spec.boot_disk_type", "local-ssd"),
    (pool(diskSpec={"bootDiskSizeGb": 99}), "disk_spec.boot_disk_size_gb", "between 100 and"),
    (pool(diskSpec={"bootDiskSizeGb": 64001}), "disk_spec.boot_disk_size_gb", "and 64000"),
    (pool(nfsMounts=[{"server": "10.0.0.5"}]), "nfs_mounts[0].path", "is required"),
    # names
    (named(displayName=""), "custom_job.display_name", "is required"),
    (named(displayName="x" * 129), "custom_job.display_name", "It has 129"),
    (named(labels={"": "x"}), "custom_job.labels", LABELS_TEXT),
    (named(labels={"_a": "x"}), "custom_job.labels", LABELS_TEXT),
    (named(labels={"a" * 64: "x"}), "custom_job.labels", LABELS_TEXT),
    (named(labels={"a.b": "x"}), "custom_job.labels", LABELS_TEXT),
    (named(labels={"a": "B"}), "custom_job.labels", LABELS_TEXT),
    (named(labels={"a": "語" * 63}), "custom_job.labels", LABELS_TEXT),
    (named(labels={f"a{n}": "" for n in range(65)}), "custom_job.labels", LABELS_TEXT),
    (named(encryptionSpec={"kmsKeyName": "key"}), "encryption_spec.kms_key_name", "`key`"),
    (spec(serviceAccount="me@"), "service_account", "`me@`"),
    (spec(network="default"), "network", "`default`"),
    (spec(network="projects/p/networks/n"), "network", "is invalid"),
    (spec(reservedIpRanges=["r"]), "reserved_ip_ranges", "`network`"),
    (spec(tensorboard="t", serviceAccount="a@b.c"), "tensorboard", "`t`"),
    (
        spec(tensorboard="projects/1/locations/us-east1/tensorboards/1", serviceAccount="a@b.c"),
        "tensorboard",
        "is not in location us-central1",
    ),
    (spec(experiment="x"), "experiment", "`x`"),
    (
        spec(experimentRun=f"{HERE}/metadataStores/default/contexts/x-1"),
        "experiment_run",
        "with `experiment`",
    ),
    (spec(persistentResourceId="My_Cluster"), "persistent_resource_id", RESOURCE_ID_TEXT),
    (spec(persistentResourceId="cluster-"), "persistent_resource_id", RESOURCE_ID_TEXT),
    (
        spec(baseOutputDirectory={"outputUriPrefix": "gs://B!/x"}),
        "base_output_directory.output_uri_prefix",
        "does not name a bucket",
    ),
]


def made(change: Change) -> tuple[str, Any]:
    """Return region and job after a change; what is changed to None is left out."""
    first: Change = {"machineSpec": {"machineType": "n1-standard-4"}, "replicaCount": 1}
    first |= {"containerSpec": {"imageUri": "i"}} | change.get("pool", {})
    if "machine" in change:
        first["machineSpec"] = change["machine"]
    first = {key: value for key, value in first.items() if value is not None}
    bucket = change.get("bucket", "here")
    job_spec: Change = {"baseOutputDirectory": {"outputUriPrefix": f"gs://{bucket}/x"}}
    job_spec["workerPoolSpecs"] = [first, *change.get("pools", ())]
    body = {"displayName": "j", "jobSpec": job_spec | change.get("spec", {})}
    job = json_format.ParseDict(body | change.get("job", {}), messages.vertex("CustomJob"))
    return change.get("region", "us-central1"), job


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> JobRules:
    """Return the rules beside buckets named after their locations, and `here`, which lies everywhere."""
    state: Path = tmp_path_factory.mktemp("state")
    (state / "gcs/here").mkdir(parents=True)
    (state / "gcs-side/b").mkdir(parents=True)
    for name in ("us-central1", "europe-west4", "american"):
        (state / "gcs" / name).mkdir()
        location = "US" if name == "american" else name.upper()
        (state / f"gcs-side/b/{name}.json").write_text(f'{{"location": "{location}"}}')
    return JobRules(state)


@pytest.mark.parametrize(("change", "field", "words"), FORBIDDEN)
def test_what_google_forbids_is_refused(
    rules: JobRules, change: Change, field: str, words: str
) -> None:
    region, job = made(change)
    with pytest.raises(ApiError) as refusal:
        rules.check(region, job, job)
    text = refusal.value.message
    assert words in text
    if field:
        assert (refusal.value.status, text.split("\t")[0]) == (
            "INVALID_ARGUMENT",
            "List of found errors:",
        )
        assert text.split("\t")[1].split("; Message: ")[0].endswith(field), text


def test_as_many_as_the_record_and_sixty_more() -> None:
    assert len(FORBIDDEN) >= 18 + 60


ALLOWED: list[Change] = [
    {},
    machine("n1-standard-4", **T4),
    machine("n1-standard-16", 8, "NVIDIA_TESLA_V100"),
    machine("g2-standard-4", **L4) | scheduling("FLEX_START", maxWaitDuration="0s"),
    machine("g2-standard-4", **L4) | scheduling("FLEX_START", timeout="604800s"),
    machine("a3-highgpu-1g", **H100) | scheduling("SPOT"),
    machine("a3-highgpu-1g", **H100, **SPECIFIC),
    machine("a4x-highgpu-4g", 4, "NVIDIA_GB200", **SPECIFIC),
    machine("ct5lp-hightpu-4t", tpuTopology="2x2"),
    machine("n1-standard-4", **T4, **reserved("NO_RESERVATION")),
    machine("z9-standard-8"),  # a family that the lists lack may be newer than they are
    scheduling("ON_DEMAND"),
    scheduling("LOW_COST"),
    package(),
    {"pools": [{}, SECOND | {"replicaCount": 7}]},
    {"pools": [SECOND | {"replicaCount": 1}] * 3},
    pool(diskSpec={"bootDiskType": "hyperdisk-balanced", "bootDiskSizeGb": 64000}),
    named(labels={"1a": "", "é_-": "x" * 63}),
    named(labels={f"a{n}": "" for n in range(64)}, displayName="x" * 128),
    spec(tensorboard=f"{HERE}/tensorboards/1", serviceAccount="a@b.iam.gserviceaccount.com"),
    spec(network="projects/1/global/networks/n", reservedIpRanges=["r"]),
    {"region": "me-central1"},
    {"bucket": "us-central1"},
]


@pytest.mark.parametrize("change", ALLOWED)
def test_what_google_allows_is_not_refused(rules: JobRules, change: Change) -> None:
    region, job = made(change)
    rules.check(region, job, job)


def test_a_machine_that_is_vouched_for_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "gcs/here").mkdir(parents=True)
    region, job = made(machine("n1-mega-4", 7, "NVIDIA_L4"))
    JobRules(tmp_path, ["n1-mega-4"]).check(region, job, job)


def test_all_that_is_wrong_is_in_one_answer(rules: JobRules) -> None:
    change = (
        named(displayName="", labels={"A": ""}) | machine("n1-standard-1") | pool(replicaCount=2)
    )
    region, job = made(change | spec(serviceAccount="me", scheduling={"maxWaitDuration": "1s"}))
    with pytest.raises(ApiError) as refusal:
        rules.check(region, job, job)
    fields = [row.partition("; ")[0] for row in refusal.value.message.split("\t")[1:-1]]
    assert fields == [
        "1.Field: custom_job.display_name",
        "2.Field: custom_job.labels",
        "3.Field: job_spec.worker_pool_specs[0].replica_count",
        "4.Field: job_spec.worker_pool_specs[0].machine_spec.machine_type",
        "5.Field: job_spec.scheduling.max_wait_duration",
        "6.Field: job_spec.service_account",
    ]
