"""Where the jobs of an environment run: its project, and every region that a spec names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dagfactory.compiler.parse import load_file, parse
from dagfactory.jobs.errors import NotSetUpError
from dagfactory.project.specs import SPECS, NoInputError, find_specs


@dataclass(frozen=True, slots=True)
class Place:
    """A project and the regions to look in."""

    project: str
    regions: tuple[str, ...]


def place_of(environment: str, regions: tuple[str, ...] = ()) -> Place:
    """Return where to look for an environment of the project in this folder, in other regions if given."""
    parsed = parse(SPECS / "any.yaml", environment)  # what is read is what lies beside it
    unknown = [each for each in parsed.diagnostics if each.code == "DF110"]
    if unknown:
        raise NotSetUpError(f"{unknown[0].message}; {unknown[0].help}")
    found = parsed.environment.plain() if parsed.environment else {}
    missing = [key for key in ("project", "region") if not isinstance(found.get(key), str)]
    if missing:
        file = f"{SPECS}/environments/{environment}.yaml"
        raise NotSetUpError(f"`{file}` has no `{missing[0]}`; run `dagfactory check`")
    named = regions or (found["region"], *_regions_of_specs())
    return Place(found["project"], tuple(dict.fromkeys(named)))


def _regions_of_specs() -> Iterator[str]:
    """Yield the regions that jobs and their fallbacks name."""
    try:
        specs = find_specs((SPECS,))
    except NoInputError:
        return
    for node in filter(None, (load_file(Path(each)).node for each in specs)):
        for path, each in node.walk():
            value = each.value
            if path[-1:] == ("region",) and isinstance(value, str) and "$" not in value:
                yield value
