"""Times as the lead types them: 17:30, 1730, or with the day before it."""

from __future__ import annotations

from datetime import date, datetime, time

from kiosk.campaign import fold
from kiosk.records import SHANGHAI
from kiosk.rules import invalid, parse_time


def parse_clock(text: str, day: date) -> datetime:
    """The time of `day` (Asia/Shanghai) that was typed as 17:30, 1730 or 17.30, or of another day written before it.

    Raises:
        InvalidInput: `time_invalid`.
    """
    if len(fold(text)) > len("17:30"):
        return parse_time(text)
    digits = "".join(char for char in fold(text) if char.isdecimal())
    try:
        return datetime.combine(day, time(int(digits[:-2]), int(digits[-2:])), SHANGHAI)
    except ValueError as error:
        raise invalid("time_invalid") from error
