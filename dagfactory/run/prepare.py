"""From what the user names to a folder of DAGs: the seam between the compiler and `run`."""

from dataclasses import dataclass
from pathlib import Path

from dagfactory.run.events import NotReadyError


@dataclass(frozen=True, slots=True)
class Prepared:
    """A folder to be Airflow's dags folder, the DAG to run, arguments for the emulator."""

    dags: Path
    dag_id: str
    emulator: tuple[str, ...] = ()


def prepare(spec: Path, *, environment: str, into: Path) -> Prepared:
    """Render `spec` for `environment` into `into`; a folder counts as rendered already."""
    if spec.is_dir():
        return _rendered(spec)
    raise NotReadyError(f"rendering {spec} for {environment} into {into} is not wired yet")


def _rendered(folder: Path) -> Prepared:
    """Take a bundle as it is; it must hold exactly one DAG file."""
    files = sorted(folder.glob("*.py"))
    if len(files) != 1:
        raise NotReadyError(
            f"{folder} holds {len(files)} DAG files, `run` takes a folder with exactly one"
        )
    return Prepared(folder, files[0].stem)
