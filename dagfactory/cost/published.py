"""A published comparison with its inputs: what it prints, what its inputs give, and like for like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dagfactory.catalogue.prices import published
from dagfactory.cost.words import dollars


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum of the comparison: its name, its terms in words with their amounts, what was printed."""

    name: str
    terms: tuple[tuple[str, float], ...]
    printed: float | None = None

    @property
    def usd(self) -> float:
        """Return the sum of the terms."""
        return sum(usd for _, usd in self.terms)


def sums() -> Iterator[Sum]:
    """Yield the sums of the article, then those of the same jobs on both sides."""
    given = published()
    cpu = _product(given["vertex_machine"], given["cpu_hours"])
    with_gpu = given["vertex_machine"] + given["vertex_gpu"]
    listed = given["vertex_machine"] + given["vertex_gpu_list"]
    gpu, fair = _product(with_gpu, given["gpu_hours"]), _product(listed, given["gpu_hours"])
    composer = ("Cloud Composer", given["composer_month"])
    bare = _product(given["compute_gpu"], given["gpu_hours"])
    runs, said = (_product(given["pipeline_run"], given[each]) for each in ("runs", "runs_said"))
    yield Sum("Composer, as published", (composer, bare), given["printed_composer"])
    yield Sum("Pipelines, by its inputs", (cpu, gpu, runs), given["printed_vertex"])
    yield Sum("Composer, like for like", (composer, fair))
    yield Sum("Pipelines, like for like", (cpu, fair, said))


def _product(rate: float, amount: float) -> tuple[str, float]:
    return f"{rate:.6g} x {amount:g}", rate * amount


def text() -> str:
    """Return the comparison with all sums."""
    lines = [
        "A published comparison (ZenML, 2024-08-09, read in an export of 2026-02-11), a month:"
    ]
    for each in sums():
        terms = " + ".join(f"{dollars(usd)} ({words})" for words, usd in each.terms)
        lines += ["", f"{each.name}: {dollars(each.usd)}", f"    {terms}"]
        if each.printed is not None and round(each.usd, 2) != each.printed:
            lines.append(f"    printed {dollars(each.printed)}")
    return "\n".join([*lines, "", *_REMARKS, ""])


_REMARKS = (
    "The printed sum adds one hour of the GPU's machine where its inputs say all of them; it has 60",
    "runs where its text says 30, and a T4 at 1.2 times the price of Compute Engine instead of 1.15.",
    "Its Composer starts the GPU without a machine and without Vertex AI's fee: like for like, both",
    "sides pay for the same job.",
)
