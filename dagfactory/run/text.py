"""Small pieces of text that progress and summary share."""

from pathlib import Path
from typing import Any

MARKS = {
    "success": "✓",
    "failed": "✗",
    "upstream_failed": "✗",
    "skipped": "-",
    "running": "▶",
    "deferred": "⏸",
    "up_for_retry": "↻",
}


_TENTHS = 100.0  # seconds; above that tenths say nothing


def clock(seconds: float) -> str:
    """Format a moment of the run as MM:SS, hours when there are any."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def duration(seconds: float | None) -> str:
    """Format a duration: `31.2 s`, `4 min 05 s`; `` when there is none."""
    if seconds is None:
        return ""
    if seconds < _TENTHS:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60:02} s"


def number(value: Any) -> str:
    """Format a metric with four significant digits; anything else as it is."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def shown(path: Path) -> str:
    """Shorten a path to what a user can paste from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
