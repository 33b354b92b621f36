"""Where `run` keeps what `results` reads, in its state folder."""

from pathlib import Path

RECORDS = "runs"
"""The folder of `run`'s records in its state folder."""
PAGES = "results"
"""The folder of the pages that `run` writes."""


def record_path(state: Path, pipeline: str, run: str) -> Path:
    """Return where `run` keeps its record of a run."""
    return state / RECORDS / _below(pipeline, run, "json")


def newest_first(state: Path) -> list[Path]:
    """Return the records of all runs, the one written last first."""
    found = (state / RECORDS).glob("*/*.json")
    return sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def page_path(state: Path, pipeline: str, run: str) -> Path:
    """Return where `run` writes the page of a run."""
    return state / PAGES / _below(pipeline, run, "html")


def _below(pipeline: str, run: str, suffix: str) -> Path:
    return Path(pipeline.replace("/", "_"), f"{run.replace('/', '_')}.{suffix}")
