"""What Vertex AI refuses of a job's worker pools, but for their machines."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from dagfactory.emulator.vertex import machine_tables
from dagfactory.emulator.vertex.machine_rules import Finding

POOLS = 4
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
DISKS = ("", "pd-ssd", "pd-standard", "hyperdisk-balanced")
SMALLEST_DISK_GB, LARGEST_DISK_GB = 100, 64000
REQUIRED = {
    "container_spec": ("image_uri",),
    "python_package_spec": ("executor_image_uri", "package_uris", "python_module"),
}
PACKAGES = 100
MOUNT = ("server", "path", "mount_point")


def used(pools: Sequence[Any]) -> list[tuple[int, Any]]:
    """Return the pools that machines are wanted for, with their numbers: one may be left out by {}."""
    return [(index, pool) for index, pool in enumerate(pools) if index == 0 or pool.ListFields()]


def findings(pools: Sequence[Any]) -> Iterator[Finding]:
    """Find what is wrong with the pools; fields are named from the CustomJobSpec on."""
    if not 1 <= len(pools) <= POOLS:
        text = f"There should be 1 to {POOLS} worker pool specs, not {len(pools)}."
        yield (
            "worker_pool_specs",
            "At least one worker pool spec is required." if not pools else text,
        )
    for index, pool in used(pools):
        for field, message in [*_replicas(index, pool, len(used(pools))), *_pool(pool)]:
            yield f"worker_pool_specs[{index}].{field}", message


def _replicas(index: int, pool: Any, pools: int) -> Iterator[Finding]:
    count = pool.replica_count
    if index == 0 and count != 1:
        yield "replica_count", f"The first worker pool should have replica_count 1, not {count}."
    elif count < 1:
        yield "replica_count", f"The replica_count {count} should be at least 1."
    if _is_tpu(pool.machine_spec) and (pools > 1 or count > 1):
        yield "replica_count", "A TPU VM is supported with one worker pool of one replica only."


def _is_tpu(machine: Any) -> bool:
    known = machine_tables.machine_types().get(machine.machine_type)
    return bool(machine.tpu_topology or (known and known.tpu))


def _pool(pool: Any) -> Iterator[Finding]:
    task = pool.WhichOneof("task")
    if task is None:
        yield "task", "Either `container_spec` or `python_package_spec` is required."
    else:
        every = [*_program(getattr(pool, task), task), *_variables(getattr(pool, task))]
        yield from ((f"{task}.{field}", message) for field, message in every)
    yield from _disk(pool.disk_spec)
    for number, mount in enumerate(pool.nfs_mounts):
        for field in MOUNT:
            if not getattr(mount, field):
                yield f"nfs_mounts[{number}].{field}", f"`{field}` is required."


def _program(program: Any, task: str) -> Iterator[Finding]:
    for field in REQUIRED[task]:
        if not getattr(program, field):
            yield field, f"`{field}` is required."
    if task == "python_package_spec":
        yield from _packages(program.package_uris)


def _packages(addresses: Sequence[str]) -> Iterator[Finding]:
    if len(addresses) > PACKAGES:
        yield "package_uris", f"There should be at most {PACKAGES} package URIs."
    for address in addresses:
        if not address.startswith("gs://"):
            yield "package_uris", f"The URI `{address}` does not start with `gs://`."


def _variables(program: Any) -> Iterator[Finding]:
    names = Counter(variable.name for variable in program.env)
    for name in names:
        if not VARIABLE.fullmatch(name):
            yield "env", f"The environment variable name `{name}` is invalid."
    if max(names.values(), default=1) > 1:
        yield "env", "EnvVar names must be unique."


def _disk(disk: Any) -> Iterator[Finding]:
    if disk.boot_disk_type not in DISKS:
        yield "disk_spec.boot_disk_type", f"Disk type `{disk.boot_disk_type}` is not supported."
    size = disk.boot_disk_size_gb
    if size and not SMALLEST_DISK_GB <= size <= LARGEST_DISK_GB:
        limits = f"between {SMALLEST_DISK_GB} and {LARGEST_DISK_GB}"
        yield "disk_spec.boot_disk_size_gb", f"The boot disk size {size} should be {limits}."
