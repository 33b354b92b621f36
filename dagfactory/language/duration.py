"""Durations as people write them: `90s`, `1h30m`, `7d`, or ISO 8601 (`PT1H30M`)."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_SHORT = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9})s)?", re.ASCII)
_ISO = re.compile(r"P(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9})S)?)?", re.ASCII)
_LONGEST = timedelta(days=3650)


def parse_duration(text: str) -> timedelta:
    """Read a duration; raises ValueError with what to write instead."""
    found = _SHORT.fullmatch(text) or _ISO.fullmatch(text)
    if not found or not any(found.groups()):
        raise ValueError("write for example `90s`, `5m`, `1h30m` or `7d`")
    counts = [int(each or 0) for each in found.groups()]
    seconds = sum(count * size for count, size in zip(counts, _UNITS.values(), strict=True))
    if timedelta(seconds=seconds) > _LONGEST:
        raise ValueError("ten years is the longest")
    return timedelta(seconds=seconds)


def duration_text(value: timedelta) -> str:
    """Return the shortest text that reads back as the same duration, in whole seconds."""
    rest, parts = int(value.total_seconds()), []
    for unit, size in _UNITS.items():
        count, rest = divmod(rest, size)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"
