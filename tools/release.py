"""Whether a tag can be released: `python -m tools.release v0.1.0` prints its notes, or fails with the reason.

The tag, the versions of both distributions and the newest section of the changelog have to be the same.
Needs the standard library only.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import dagfactory
import trainer

CHANGELOG = Path(__file__).resolve().parents[1] / "CHANGELOG.md"
_SECTION = re.compile(
    r"^## \[(?P<name>[^\]]+)\](?: - (?P<date>\S+))?\n(?P<text>.*?)(?=^## |\Z)",
    re.MULTILINE | re.DOTALL,
)


class NotReadyError(Exception):
    """The tag does not fit the repository; the text says where."""


def notes(tag: str, version: str, changelog: str) -> str:
    """Return what the changelog says of a version; raises NotReadyError when the three disagree."""
    if tag != f"v{version}":
        raise NotReadyError(f"the tag is {tag}, dagfactory/__init__.py says {version}")
    sections = {found["name"]: found for found in _SECTION.finditer(changelog)}
    found = sections.get(version)
    if not found or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", found["date"] or ""):
        raise NotReadyError(f"CHANGELOG.md has no section `## [{version}] - YYYY-MM-DD`")
    if unreleased := sections.get("Unreleased", {"text": ""})["text"].strip():
        first = unreleased.splitlines()[0]
        raise NotReadyError(f"CHANGELOG.md has something under Unreleased: {first}")
    return found["text"].strip() + "\n"


def agreed() -> str:
    """Return the version of both distributions; raises NotReadyError when they differ."""
    # the compiler's wheel holds the trainer's settings: with two versions nobody knows which
    if trainer.__version__ != dagfactory.__version__:
        raise NotReadyError(f"trainer/__init__.py says {trainer.__version__}")
    return dagfactory.__version__


def main(tag: str) -> int:
    """Print the notes; 1 with the reason on standard error."""
    try:
        text = notes(tag, agreed(), CHANGELOG.read_text(encoding="utf-8"))
    except NotReadyError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
