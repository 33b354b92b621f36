"""What Vertex AI refuses of the machine of a worker pool, by Google's lists."""

import logging
import re
from collections.abc import Collection, Iterator
from typing import Any

from dagfactory.emulator.protos import enum_name
from dagfactory.emulator.vertex import machine_tables
from dagfactory.emulator.vertex.machine_tables import MachineType

log = logging.getLogger(__name__)
Finding = tuple[str, str]  # field and message

TYPE, COUNT = "accelerator_type", "accelerator_count"
TOPOLOGY, AFFINITY = "tpu_topology", "reservation_affinity"
# a family that the lists lack may be newer than they are: c3-standard-88-lssd
FORM = re.compile(r"[a-z]{1,3}[0-9][a-z0-9]*(-[a-z]+)?-[a-z]*[0-9]+[a-z]*(-[a-z0-9]+)*")
RESERVATION_KEY = "compute.googleapis.com/reservation-name"
SIZE = re.compile(r"[1-9][0-9]*(x[1-9][0-9]*){1,2}")


def findings(machine: Any, region: str, strategy: str, newer: Collection[str]) -> Iterator[Finding]:
    """Find what is wrong with a MachineSpec; machine types in `newer` are taken as they are."""
    name = machine.machine_type
    if not name:
        yield "machine_type", "The machine type is required."
        return
    yield from _pair(machine)
    yield from _affinity(machine.reservation_affinity, strategy)
    known = machine_tables.machine_types().get(name)
    if name in newer:
        return
    if known is not None:
        yield from _listed(machine, known, region, strategy)
    elif name.partition("-")[0] in machine_tables.families() or not FORM.fullmatch(name):
        # the wording is recorded (tests/runtime/vertex_errors.tsv)
        yield "machine_type", f'Machine type "{name}" is not supported.'
    else:
        log.warning("machine type %s is not in the lists: nothing of it is checked", name)


def _pair(machine: Any) -> Iterator[Finding]:
    """Find a type of accelerator without a number, or the other way round (prefect-gcp#175)."""
    tpu = bool(machine.tpu_topology) and not machine.accelerator_count
    if machine.accelerator_count < 0:
        yield COUNT, f"The accelerator count {machine.accelerator_count} is not supported."
    elif bool(machine.accelerator_type) != bool(machine.accelerator_count) and not tpu:
        yield TYPE, "Both `accelerator_type` and `accelerator_count` should be specified or none."


def _listed(machine: Any, known: MachineType, region: str, strategy: str) -> Iterator[Finding]:
    kind = enum_name(machine, TYPE)
    if known.tpu:
        yield from _tpu(machine, kind)
    else:
        yield from _accelerators(machine, kind, known)
    yield from _place(known, kind, region)
    yield from _way(machine, known, kind, strategy)


def _accelerators(machine: Any, kind: str, known: MachineType) -> Iterator[Finding]:
    name, count = machine.machine_type, machine.accelerator_count
    if machine.tpu_topology:
        yield TOPOLOGY, f'`tpu_topology` is not supported for machine type "{name}".'
    if not kind:
        if known.required and not count:
            wanted, (number,) = next(iter(known.counts.items()))
            yield TYPE, f'Machine type "{name}" is not supported without {number} {wanted}.'
    elif kind not in known.counts:
        # wording: vertex-ai-samples#213
        yield TYPE, f'Accelerator "{kind}" is not supported for machine type "{name}".'
    elif count and count not in known.counts[kind]:
        text = (
            f'The accelerator count {count} of "{kind}" is not supported for machine type "{name}".'
        )
        yield COUNT, text
    elif kind in machine_tables.ended():
        yield TYPE, f"Accelerator {kind} is not supported since {machine_tables.ended()[kind]}."


def _tpu(machine: Any, kind: str) -> Iterator[Finding]:
    name = machine.machine_type
    if kind and not kind.startswith("TPU"):
        yield TYPE, f'Accelerator "{kind}" is not supported for machine type "{name}".'
    if not kind and not machine.tpu_topology:
        yield TOPOLOGY, f'`tpu_topology` is required for machine type "{name}".'
    if machine.tpu_topology and not SIZE.fullmatch(machine.tpu_topology):
        yield TOPOLOGY, f"The TPU topology `{machine.tpu_topology}` is not supported."


def _place(known: MachineType, kind: str, region: str) -> Iterator[Finding]:
    wanted = known.tpu or kind
    if (known.tpu or kind in known.counts) and machine_tables.is_elsewhere(wanted, region):
        yield TYPE, f"The specified accelerator type {wanted} is not available in region {region}."


def _way(machine: Any, known: MachineType, kind: str, strategy: str) -> Iterator[Finding]:
    """Find a way of buying that the machine is not sold in."""
    name, way = machine.machine_type, _bought(machine, strategy)
    if known.ways and way not in known.ways:
        yield "machine_type", f'Machine type "{name}" is not supported with {way.upper()}.'
    elif strategy == "FLEX_START" and kind not in machine_tables.flexible():
        what = f"Accelerator {kind}" if kind else f'Machine type "{name}"'
        yield "machine_type", f"{what} is not supported with FLEX_START."


def _bought(machine: Any, strategy: str) -> str:
    """Return how a machine is paid for, as the lists name it."""
    kind = enum_name(machine.reservation_affinity, "reservation_affinity_type")
    reserved = kind in ("ANY_RESERVATION", "SPECIFIC_RESERVATION")
    return "reservation" if reserved else strategy.lower()


def _affinity(affinity: Any, strategy: str) -> Iterator[Finding]:
    """Find a reservation that is not named as the proto asks."""
    kind = enum_name(affinity, "reservation_affinity_type")
    specific = kind == "SPECIFIC_RESERVATION"
    if specific and affinity.key != RESERVATION_KEY:
        yield f"{AFFINITY}.key", f"The key of a specific reservation should be `{RESERVATION_KEY}`."
    if specific and not affinity.values:
        yield f"{AFFINITY}.values", "A specific reservation needs the name of a reservation."
    if not specific and (affinity.key or affinity.values):
        text = "`key` and `values` are supported with SPECIFIC_RESERVATION only."
        yield f"{AFFINITY}.key", text
    if specific and strategy in ("SPOT", "FLEX_START"):
        yield AFFINITY, f"{strategy} cannot be combined with a specific reservation."
