"""A report from the TinyDB files alone, by docs/format.md and nothing of the kiosk: what somebody else would write."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
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
    people: dict[str, list[tuple[datetime, dict[str, Any]]]] = defaultdict(list)
    for record in log:
        if record["type"] == "refused":
            days[when[record["id"]].date().isoformat(), record["station"]]["refused"] += 1
        if record["type"] == "checked_in" and record["id"] not in void:
            people[record["volunteer"]].append((when[record["id"]], record))
    for visits in people.values():
        covered, of_day = datetime.min.replace(tzinfo=now.tzinfo), defaultdict[tuple[str, str], list[int | None]](list)
        for start, visit in sorted(visits, key=lambda told: told[0]):
            at, over, stretches = start, False, list[tuple[datetime, datetime]]()
            since: datetime | None = start
            duty: str | None = None
            for record in (r for r in log if r.get("visit") == visit["id"] and r["id"] not in void and not over):
                if record["type"] not in ("duty_started", "duty_ended", "checked_out"):
                    continue
                at = max(at, when[record["id"]])
                if record["type"] == "duty_started":
                    since, duty = since or at, record["id"]
                elif record["type"] == "checked_out" or duty in (None, record["start"]):
                    stretches += [(since, at)] if since else []
                    since, duty, over = None, None, record["type"] == "checked_out"
            midnight = datetime.combine(start.date() + timedelta(days=1), datetime.min.time(), start.tzinfo)
            pending = not over and now >= max(midnight, start + timedelta(hours=12))
            stretches += [(since, now)] if since else []
            served = timedelta()
            for begin, end in [] if pending else stretches:
                served += max(end - max(begin, covered), timedelta())
                covered = max(covered, end)
            key = (start.date().isoformat(), visit["station"])
            of_day[key].append(None if pending else int(served.total_seconds() // 60))
            days[key] += Counter(check_ins=1, pending_check_out=int(pending))
        for key, minutes in of_day.items():
            days[key] += Counter(people=1, minutes=0 if None in minutes else sum(filter(None, minutes)))
    return dict(days)
