"""Every limit of what one spec may cost, in one table: beyond it stands a finding, not a stall.

docs/errors.md names them under DF107 from this table.
"""

from __future__ import annotations

from typing import NamedTuple


class Limit(NamedTuple):
    """The largest number of something that one file may hold, or that is made of it."""

    most: int
    what: str


FILE = Limit(2_000_000, "bytes in a file")
NODES = Limit(100_000, "values in a document, aliases counted in full")
DEPTH = Limit(64, "levels of nesting")
EXPANDED_TEXT = Limit(2_000_000, "characters that `${vars.…}` and `${env.…}` add up to")
EXPANDED_NODES = Limit(
    100_000, "values that `${vars.…}`, `${env.…}` and groups over items bring in"
)
FINDINGS = Limit(100, "findings of one kind in a file; of more, the number is said")
SUGGESTIONS = Limit(100, "misspelt names that get a suggestion")

ALL = (FILE, NODES, DEPTH, EXPANDED_TEXT, EXPANDED_NODES, FINDINGS, SUGGESTIONS)
