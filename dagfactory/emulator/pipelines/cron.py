"""Vertex AI's cron texts: five fields, with the time zone in front of them (`TZ=Europe/Berlin 0 3 * * 1`)."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from croniter import CroniterError, croniter

_TEXT = re.compile(r"(?:(?:CRON_)?TZ=(\S+)\s+)?(\S+(?:\s+\S+){4})")


class BadCronError(ValueError):
    """A text that is no cron, or names a time zone that is none."""


class Cron:
    """When a schedule is due; raises BadCronError."""

    def __init__(self, text: str) -> None:
        found = _TEXT.fullmatch(text.strip())
        if not found or not croniter.is_valid(found[2]):
            raise BadCronError(f"Invalid cron: {text!r}.")
        try:
            self._zone = ZoneInfo(found[1] or "UTC")
        except (KeyError, ValueError, OSError):
            raise BadCronError(f"Unknown time zone: {found[1]!r}.") from None
        self._fields = found[2]

    def after(self, moment: datetime) -> datetime:
        """Return the first time after a moment, in UTC; raises BadCronError where there is none."""
        try:
            found = croniter(self._fields, moment.astimezone(self._zone)).get_next(datetime)
        except CroniterError as error:
            raise BadCronError(f"The cron has no next time: {error}.") from None
        return found.astimezone(moment.tzinfo)
