"""What is there from the start: FOLDER/gs/BUCKET/… and FOLDER/bigquery/DATASET/TABLE.*."""

import filecmp
import shutil
from pathlib import Path

from dagfactory.emulator.bigquery.service import BigQueryService

OBJECTS, TABLES = "gs", "bigquery"


def put_objects(folder: Path, objects: Path) -> None:
    """Copy files to where objects lie; one that is there unchanged keeps its generation."""
    top = folder / OBJECTS
    for path in sorted(top.rglob("*")):
        target = objects / path.relative_to(top)
        if path.is_file() and not (target.is_file() and filecmp.cmp(path, target, shallow=False)):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def put_tables(folder: Path, bigquery: BigQueryService, project: str) -> None:
    """Make files tables; raises SeedError. The engine is opened only when there are any."""
    top = folder / TABLES
    if top.is_dir():
        bigquery.seed(top, project)
