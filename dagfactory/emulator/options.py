"""What the command line of the emulator decides."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """Where state lies, whose account is made, how many jobs run, and what stands in for what.

    The proxy listens on `port`, on a free one for 0. With `project_numbers` all
    answers of Vertex AI name projects by number. `machines` are types that the lists of custom
    training lack; `buckets` are there from the start, each in its location, or in every region.
    """

    state: Path
    project: str
    slots: int
    workdir: Path
    entrypoints: Mapping[str, str]
    fixtures: Path | None = None
    machines: tuple[str, ...] = ()
    port: int = 0
    project_numbers: bool = False
    buckets: Mapping[str, str] = field(default_factory=dict)
