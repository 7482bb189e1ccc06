"""A report from the TinyDB files alone, by docs/format.md and nothing of the kiosk: what somebody else would write."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

from tinydb import TinyDB


def report(folder: Path, now: datetime) -> dict[tuple[str, str], Counter[str]]:
    """By day and station the numbers of `kiosk hq report`, of one data folder."""
    log: list[dict[str, Any]] = []
    for path in (folder / "records").rglob("*.json"):
        with TinyDB(path, access_mode="r") as file:
            log += file.table("records")
    log.sort(key=lambda record: (record["epoch"], record["seq"]))
    right = {r["target"]: r["changes"]["occurred"][1] for r in log if r["type"] == "corrected"}
    void = {r["target"] for r in log if r["type"] == "voided"}
    when = {r["id"]: datetime.fromisoformat(right.get(r["id"], r["occurred"])) for r in log}
    days: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    visits = [r for r in log if r["type"] == "checked_in" and r["id"] not in void]
    for record in log:
        days[when[record["id"]].date().isoformat(), record["station"]]["refused"] += record["type"] == "refused"
    for volunteer in {visit["volunteer"] for visit in visits}:
        covered, served = datetime.min.replace(tzinfo=now.tzinfo), defaultdict[tuple[str, str], list[int | None]](list)
        mine = [visit for visit in visits if visit["volunteer"] == volunteer]
        for visit in sorted(mine, key=lambda visit: when[visit["id"]]):
            start = at = when[visit["id"]]
            duty, over, total, stretches = None, False, timedelta(), list[tuple[datetime, datetime]]()
            running: datetime | None = start
            for record in (r for r in log if r.get("visit") == visit["id"] and r["id"] not in void and not over):
                ends = record["type"] == "duty_ended"
                if ends or record["type"] in ("duty_started", "checked_out"):
                    at = max(at, when[record["id"]])
                if record["type"] == "duty_started":
                    running, duty = running or at, record["id"]
                elif record["type"] == "checked_out" or (ends and duty in (None, record["start"])):
                    stretches += [(running, at)] if running else []
                    running, duty, over = None, None, record["type"] == "checked_out"
            midnight = datetime.combine(start.date() + timedelta(days=1), time(), start.tzinfo)
            pending = not over and now >= max(midnight, start + timedelta(hours=12))
            for begin, end in [] if pending else [*stretches, *([(running, now)] if running else [])]:
                total += max(end - max(begin, covered), timedelta())
                covered = max(covered, end)
            key = (start.date().isoformat(), visit["station"])
            served[key].append(None if pending else int(total.total_seconds() // 60))
            days[key].update(check_ins=1, pending_check_out=int(pending))
        for key, minutes in served.items():
            days[key].update(people=1, minutes=0 if None in minutes else sum(filter(None, minutes)))
    return {key: numbers for key, numbers in days.items() if any(numbers.values())}
