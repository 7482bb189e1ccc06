"""Times as the lead types them: 17:30, 1730, or with the day before it."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Final

from kiosk.campaign import fold
from kiosk.records import SHANGHAI
from kiosk.rules import invalid, parse_time

_CLOCK: Final = re.compile(r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})|(?P<h>\d{1,2})(?P<m>\d{2})")


def parse_clock(text: str, day: date) -> datetime:
    """The time of `day` (Asia/Shanghai) that was typed as 17:30, 1730 or 17.30, or of another day written before it.

    Raises:
        InvalidInput: `time_invalid`.
    """
    if len(fold(text)) > len("17:30"):
        return parse_time(text)
    typed = _CLOCK.fullmatch(fold(text))
    if typed is None:
        raise invalid("time_invalid")
    hour, minute = typed["hour"] or typed["h"], typed["minute"] or typed["m"]
    try:
        return datetime.combine(day, time(int(hour), int(minute)), SHANGHAI)
    except ValueError as error:
        raise invalid("time_invalid") from error
