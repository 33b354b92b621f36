"""Import a folder of dag-factory's files, and compare each DAG field by field with what dag-factory builds.

dag-factory has our import name, so it gets an environment of its own, which shares an Airflow: this one's, or
that of the Python named last (`.venv-airflow2/bin/python`), by which ours are read too. A
difference is announced when a remark on the DAG names the task or the field; any other is silent, and told.
Usage: python benchmarks/dag_factory.py FOLDER [folder of the environment [Python of an Airflow]]
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from dagfactory.compiler.build import build  # noqa: E402 - this checkout's
from dagfactory.compiler.bundle.bundle import write  # noqa: E402 - this checkout's
from dagfactory.diagnostics.source import SourceFile, read  # noqa: E402 - this checkout's
from dagfactory.importers import Options, Outcome, Source, importer  # noqa: E402 - this checkout's

VERSION = "dag-factory==1.1.0"
READER = ROOT / "benchmarks/read_dags.py"
PLACES = frozenset(
    ["fileloc", "relative_fileloc", "_processor_dags_folder", "edge_info", "dag_dependencies"]
) | {"doc_md", "default_args", "_default_view", "_dag_display_property_value"}
"""Where a DAG lies, how Airflow shows it, and defaults, which its tasks hold."""
OF_GROUPS = frozenset(
    ["upstream_group_ids", "downstream_group_ids", "upstream_task_ids", "downstream_task_ids"]
)
"""How Airflow draws the edges of a group; its tasks have the edges themselves."""
OF_CLASSES = frozenset(
    ["template_fields", "template_fields_renderers", "template_ext", "ui_color", "ui_fgcolor"]
)
OURS = frozenset(["_task_module", "task_type", "_operator_name", "start_date", "label", "is_setup"])
"""What differs where an operator of the runtime stands for one of Airflow's."""

DEFAULT_RETRY_DELAY = 300.0

Outcomes: TypeAlias = tuple[Outcome, ...]
Read: TypeAlias = dict[str, Any]


@dataclass(slots=True)
class Score:
    """What the comparison came to."""

    files: int = 0
    dags: int = 0
    alike: int = 0
    announced: int = 0
    silent: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def main(folder: Path, environment: Path, airflow: str = sys.executable) -> int:
    """Run and print the figures; 1 when a difference is silent."""
    python = _environment(environment, airflow)
    score = Score()
    paths = sorted(each for end in ("yaml", "yml") for each in folder.rglob(f"*.{end}"))
    paths = [each for each in paths if each.stem != "defaults"]
    theirs = _read(python, "theirs", paths)
    with tempfile.TemporaryDirectory() as name:
        outcomes = [_imported(each, Options(_line(airflow))) for each in paths]
        folders = [_rendered(each, Path(name, str(at))) for at, each in enumerate(outcomes)]
        ours = _read(Path(airflow), "ours", folders)
    for path, at, made in zip(paths, folders, outcomes, strict=True):
        _compare_file(path, theirs[str(path)], ours[str(at)], made, score)
    print(
        f"{score.files} files, {score.dags} DAGs that both build: {score.alike} alike in every field"
    )
    print(
        f"fields that differ and are announced {score.announced}, silent {len(score.silent)}   bar 0"
    )
    for name, count in Counter(
        each.split(" = ")[0].split(" ")[-1] for each in score.silent
    ).most_common():
        print(f"  {count:4} {name}")
    print("\n".join((*score.silent[:60], *score.unread[:20])))
    return int(bool(score.silent))


def _environment(folder: Path, airflow: str) -> Path:
    """Return the Python of an environment with dag-factory and an Airflow; make it if need be."""
    python = folder / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "--no-deps", VERSION]
        subprocess.run(install, check=True)
        # a path alone: the links in it, to our package, are not followed
        site = next(folder.glob("lib/python*/site-packages"))
        (site / "airflow.pth").write_text(_packages(airflow) + "\n")
    return python


def _line(python: str) -> Literal["2", "3"]:
    """Return the line of a Python's Airflow."""
    asked = "import importlib.metadata; print(importlib.metadata.version('apache-airflow'))"
    return "2" if subprocess.check_output([python, "-c", asked], text=True)[0] == "2" else "3"


def _packages(python: str) -> str:
    """Return the folder of a Python's packages."""
    asked = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    return subprocess.check_output([python, "-c", asked], text=True).strip()


def _compare_file(path: Path, theirs: Read, ours: Read, outcomes: Outcomes, score: Score) -> None:
    """Compare the DAGs of one file."""
    score.files += bool(theirs["dags"])
    score.unread += [f"{path.name}: {each}" for each in ours["errors"].values()]
    for outcome in outcomes:
        one, other = theirs["dags"].get(outcome.dag), ours["dags"].get(outcome.pipeline)
        if one and other:
            score.dags += 1
            _compare(f"{path.name}:{outcome.dag}", one, other, outcome, score)


def _imported(path: Path, options: Options) -> Outcomes:
    """Return what comes of a file, imported by itself with the defaults beside it."""
    source = read(path, path.name)
    beside = [read(path.with_name(each)) for each in ("defaults.yml", "defaults.yaml")]
    defaults = tuple(each for each in beside if isinstance(each, SourceFile))[:1]
    if not isinstance(source, SourceFile):
        return ()
    return importer("dag_factory").read([Source(source, defaults)], options)[0].outcomes


def _rendered(outcomes: Outcomes, folder: Path) -> Path:
    """Render the specs of a file; return the folder of their DAG files."""
    folder.mkdir(parents=True)
    specs = []
    for each in outcomes:
        if each.text:
            specs.append(folder / f"{each.pipeline}.yaml")
            specs[-1].write_text(each.text)
    built = build(specs, None) if specs else None
    (folder / "dags").mkdir()
    if built and built.bundle:
        write(built.bundle, folder / "dags")
    return folder / "dags"


def _read(python: Path, mode: str, paths: list[Path]) -> dict[str, Read]:
    environment = os.environ | {
        "AIRFLOW_HOME": str(python.parents[1] / "benchmark-home"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": "",
    }
    done = subprocess.run(
        [python, READER, mode, *paths], env=environment, capture_output=True, text=True, check=False
    )
    lines = [each for each in done.stdout.splitlines() if each.startswith('{"found"')]
    if not lines:
        raise SystemExit(done.stderr[-2000:])
    found: dict[str, Read] = json.loads(lines[-1])["found"]
    return found


def _compare(
    place: str, one: dict[str, Any], other: dict[str, Any], outcome: Outcome, score: Score
) -> None:
    differences = list(_differences(one, other))
    said = " ".join(each.line() for each in outcome.remarks)
    score.alike += not differences
    for task, key, left, right in differences:
        words = key.strip("_").replace("_", " ")
        field = key.lstrip("_").removesuffix("_interval")
        named = any(f"`{name}" in said for name in (task, field) if name)
        if words in said or named or _text(right) == _renamed(_text(left), said):
            score.announced += 1
        else:
            values = f"{str(left)[:80]} | {str(right)[:80]}"
            score.silent.append(f"{place} {task or 'DAG'}.{key} = {values}")


def _renamed(text: str, said: str) -> str:
    """Return a field's text with the new names that the remarks say."""
    for old, new in re.findall(r"`([^`]+)` becomes `([^`]+)`", said):
        text = re.sub(rf"(?<![\w-]){re.escape(old)}(?![\w-])", new, text)
    return text


def _differences(one: Read, other: Read) -> Iterator[tuple[str, str, Any, Any]]:
    """Yield the task, the field and both values of each difference."""
    yield from _fields("", _whole(one["dag"]), _whole(other["dag"]), PLACES)
    for task in sorted(one["tasks"].keys() | other["tasks"].keys()):
        left, right = one["tasks"].get(task, {}), other["tasks"].get(task, {})
        yield from _fields(task, _whole(left), _whole(right), OF_CLASSES | OURS)


def _fields(
    task: str, left: Read, right: Read, without: frozenset[str]
) -> Iterator[tuple[str, str, Any, Any]]:
    for key in sorted((left.keys() | right.keys()) - without):
        if _tidy(left.get(key)) != _tidy(right.get(key)):
            yield task, key, left.get(key), right.get(key)


def _whole(fields: Read) -> Read:
    """Return the fields with what others decide: the first day by `default_args`, a pause by its growth."""
    given = dict(fields)
    defaults = (given.get("default_args") or {}).get("__var", {})
    first = defaults.get("start_date") or {}
    if "start_date" not in given and first:
        given["start_date"] = first.get("__var")
    if given.get("retry_delay") == DEFAULT_RETRY_DELAY:  # Airflow 2 leaves its default out
        given.pop("retry_delay")
    if not given.get("retry_exponential_backoff"):
        given.pop("max_retry_delay", None)
    return given


def _tidy(value: Any) -> Any:
    """Return a value without the order of sets and the tag that dag-factory adds."""
    if isinstance(value, dict):
        return {
            key: _tidy(each) for key, each in value.items() if _tidy(each) not in (None, {}, [])
        }
    if isinstance(value, list):
        return sorted(_text(each) for each in value if each != "dagfactory") or None
    return value or None


def _text(value: Any) -> str:
    return json.dumps(_tidy(value), sort_keys=True, default=str)


if __name__ == "__main__":
    given = sys.argv[2:]
    home = Path(given[0] if given else f"{tempfile.gettempdir()}/dagfactory-dag-factory")
    sys.exit(main(Path(sys.argv[1]), home, *given[1:2]))
