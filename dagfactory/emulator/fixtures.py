"""What is there from the start: FOLDER/gs/BUCKET/…, FOLDER/bigquery/DATASET/TABLE.*, entrypoints."""

import filecmp
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from dagfactory.emulator.bigquery.service import BigQueryService
from dagfactory.emulator.errors import SeedError

OBJECTS, TABLES, ENTRYPOINTS = "gs", "bigquery", "entrypoints.json"


def entrypoints(folder: Path) -> Mapping[str, str]:
    """Return the commands that stand in for images and templates; `$FIXTURES` is the folder.

    Raises SeedError when the file is not a JSON object of texts.
    """
    path = folder / ENTRYPOINTS
    if not path.exists():
        return {}
    try:
        found = {glob: text.replace("$FIXTURES", str(folder)) for glob, text in _read(path)}
    except (ValueError, AttributeError) as error:
        raise SeedError(f"{path}: {error}") from None
    return found


def _read(path: Path) -> list[tuple[str, str]]:
    return list(json.loads(path.read_text()).items())


def put_objects(folder: Path, objects: Path) -> None:
    """Copy files to where objects lie; one that is there unchanged keeps its generation."""
    top = folder / OBJECTS
    for path in sorted(top.rglob("*")):
        if path.is_file():
            _put(path, objects / path.relative_to(top))


def put_files(files: Mapping[str, str], objects: Path) -> None:
    """Copy files, given by the addresses that they get, to where objects lie."""
    for address, file in files.items():
        _put(Path(file), objects / address.removeprefix("gs://"))


def _put(path: Path, target: Path) -> None:
    if not (target.is_file() and filecmp.cmp(path, target, shallow=False)):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def put_tables(folder: Path, bigquery: BigQueryService, project: str) -> None:
    """Make files tables; raises SeedError. The engine is opened only when there are any."""
    top = folder / TABLES
    if top.is_dir():
        bigquery.seed(top, project)
