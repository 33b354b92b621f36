"""What is refused before anything starts: files that are no spec, faults and params that cannot be."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dagfactory.diagnostics.wording import closest, did_you_mean, either, listing
from dagfactory.emulator import faults
from dagfactory.language.duration import parse_duration
from dagfactory.language.param import Param
from dagfactory.project.specs import STDIN, SUFFIXES
from dagfactory.run.events import NotReadyError


def check_spec(spec: Path) -> None:
    """Refuse what is neither a spec nor a folder with one rendered DAG."""
    if spec == STDIN:
        raise NotReadyError("`run` takes a file: what lies beside a spec belongs to it")
    if not _exists(spec):
        near = closest(spec.name, [each.name for each in _specs(spec.parent)])
        meant = [str(spec.parent / each) for each in near]
        advice = f"; did you mean {either(meant)}?" if meant else ""
        raise NotReadyError(f"there is no file {spec}{advice}")
    if spec.is_dir():
        _check_folder(spec)
    elif spec.suffix not in SUFFIXES or not spec.is_file():
        advice = "`run` takes a spec (*.yaml), or a folder with one rendered DAG"
        raise NotReadyError(f"{spec} is not a spec; {advice}")


def _check_folder(folder: Path) -> None:
    if any(folder.glob("*.py")):
        return
    advice = "`run` takes one spec, or a folder with one rendered DAG"
    specs = _specs(folder)
    if specs:
        raise NotReadyError(f"{folder} is a folder of specs; {advice}: {listing(map(str, specs))}")
    raise NotReadyError(f"{folder} is a folder without a DAG; {advice}")


def _specs(folder: Path) -> list[Path]:
    """Return the files of a folder that may be specs."""
    try:
        found = sorted(folder.iterdir())
    except OSError:  # no folder, one that may not be entered, a name that is too long
        return []
    return [each for each in found if each.suffix in SUFFIXES and each.stem != "defaults"]


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long, a folder that may not be entered
        return False


def check_faults(given: Iterable[str]) -> None:
    """Refuse a fault that the emulator does not know, with the forms of all."""
    for text in given:
        try:
            faults.parse(text)
        except ValueError:
            raise NotReadyError(f"--fault {text}: {_fault_help(text)}") from None


def _fault_help(text: str) -> str:
    kind = text.partition(":")[0]
    if kind in faults.KINDS:
        return f"write it as `{faults.KINDS[kind]}`"
    near = closest(kind, faults.KINDS)
    meant = f"; did you mean `{faults.KINDS[near[0]]}`?" if near else ""
    return f"no such fault{meant} (known: {listing(faults.KINDS.values())})"


def values(given: Iterable[str], params: Mapping[str, Param] | None) -> dict[str, Any]:
    """Return the params of the command line by name; refuse what the pipeline does not declare or allow.

    Of a folder that is rendered already the `params` are not known, and Airflow looks at the values.
    """
    return dict(_value(text, params) for text in given)


def _value(text: str, params: Mapping[str, Param] | None) -> tuple[str, Any]:
    name, value = parameter(text)
    if params is None:
        return name, value
    if name not in params:
        known = did_you_mean(name, params, "declared") or "the pipeline declares none"
        raise NotReadyError(f"--param {text}: there is no param `{name}`; {known}")
    # `010` and `true` are texts where a text is asked for
    if params[name].type == "string" and not isinstance(value, str):
        value = text.partition("=")[2]
    problem = params[name].problem(value)
    if problem:
        raise NotReadyError(f"--param {text}: {problem}")
    return name, value


def parameter(text: str) -> tuple[str, Any]:
    """Split NAME=VALUE; the value is JSON where it can be (`0.9`, `true`, `[1]`), else text."""
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise NotReadyError(f"--param {text}: write it as NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def seconds(option: str, text: str) -> float:
    """Return a duration of the command line (`30m`) in seconds; refuse what is none."""
    try:
        return parse_duration(text).total_seconds()
    except ValueError as error:
        raise NotReadyError(f"{option} {text}: {error}") from None
