"""A throwaway station with a seeded day: fictional people, constructed numbers, always the same.

It is what a newcomer sees first, and what the pictures in the documentation show.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from kiosk import setup
from kiosk.campaign import Campaign
from kiosk.campaign_files import shipped
from kiosk.clock import Clock
from kiosk.rules import Applicant, Application, Stay
from kiosk.setup import NewStation
from kiosk.station import Station

STATION: Final = "S016001"
COMMUNITY: Final = "330102016001"
PIN: Final = "135790"
_NAMES: Final = (
    "周晓岚",
    "钱立群",
    "孙一诺",
    "李沐辰",
    "吴海棠",
    "郑思远",
    "王秋实",
    "冯若水",
    "陈春生",
    "褚望舒",
    "卫青禾",
    "蒋南星",
)


class _SteppedClock:
    """Goes where the seeding tells it."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def _entropy(seed: int) -> Callable[[int], bytes]:
    return random.Random(seed).randbytes  # noqa: S311 - a demo has no secrets


def _answers(campaign: Campaign, day: date) -> dict[str, str]:
    asked = (clause for clause in campaign.clauses_on(day) if clause.asked)
    return {clause.id: next(option.value for option in clause.options if option.accepted) for clause in asked}


def make(folder: Path, clock: Clock, *, seed: int = 20211201) -> NewStation:
    """Sets up the demo's station in `folder` and lets half a morning and an evening before pass.

    Args:
        folder: an empty folder.
        clock: the day ends at its time.
        seed: another seed, another day.
    """
    campaign = shipped()
    chance = random.Random(seed)  # noqa: S311
    now = clock()
    at = _SteppedClock(now - timedelta(days=1, hours=2))
    entropy = _entropy(seed)
    made = setup.prepare(folder, campaign, station=STATION, community=COMMUNITY, pin=PIN, entropy=entropy)
    setup.finish(folder, made, clock=at, entropy=entropy)
    station = Station(folder, clock=at, entropy=_entropy(seed + 1))
    try:
        homes = list(campaign.communities())
        for place, name in enumerate(_NAMES):
            yesterday = place == 0
            home = chance.choice(homes)
            born = date(1978 + chance.randrange(24), 1 + chance.randrange(12), 1 + chance.randrange(28))
            phone = f"1{chance.choice('35789')}0000{chance.randrange(10**5):05d}"
            person = Applicant(name, phone, "resident_id", "", born, home.street, home.code)
            if not yesterday:
                at.now = now - timedelta(minutes=170 - 13 * place)
            arrived = station.check_in(Application(person, _answers(campaign, station.today()), True, Stay()))
            if arrived.volunteer is None or place % 6 == 5:
                continue
            at.now += timedelta(minutes=4)
            station.start_duty(arrived.volunteer, chance.choice(campaign.duties).id)
            if place % 4 == 3:
                at.now += timedelta(minutes=25)
                station.check_out(arrived.volunteer)
    finally:
        station.close()
    return made
