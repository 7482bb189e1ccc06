"""Whatever fails while somebody is checked in, the screen says something true, and nothing they typed is lost."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from kiosk.segments import verify
from kiosk.station import Station
from tests import factories, plain
from tests.conftest import FakeClock
from tests.faults.calls import Break, watched
from tests.walking import Walker, walking

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


def registered(folder: Path, name: str) -> list[dict[str, Any]]:
    """What plain TinyDB reads of somebody's registration."""
    found = (record for record in plain.log(folder) if record["type"] == "registered")
    return [record for record in found if record["personal"]["name"] == name]


async def confirm(walker: Walker, fault: Break, name: str) -> None:
    """Somebody who has typed everything presses Enter until it is saved, at first under a fault."""
    await walker.press("enter")
    await walker.until(lambda: walker.said() != "" or type(walker.page).__name__ == "AdmittedPage")
    if type(walker.page).__name__ == "ReviewPage":
        assert "没能保存" in walker.said()
        assert "负责人" in walker.said()
        assert name in walker.text(), "nothing typed is lost"
        fault.repaired = True
        await walker.press("enter")
    await walker.arrive("AdmittedPage")


@pytest.mark.parametrize(
    ("number", "span"), [(errno.EIO, "once"), (errno.EIO, "this kind"), (errno.ENOSPC, "everything")]
)
async def test_the_screen_is_right_about_every_call_that_fails(
    station_folder: Path, clock: FakeClock, number: int, span: str, record_property: Callable[[str, object], None]
) -> None:
    station = Station(station_folder, clock=clock)
    faults = 0
    async with walking(station) as walker:
        station.warm_up()
        for at in count(1):
            name = factories.NAMES[at % len(factories.NAMES)] + "一二三四五六七八九十"[at % 10] * (1 + at // 10)
            await walker.consent()
            await walker.identify(name=name, phone=factories.phone(at))
            await walker.press("1", "1", "1", "1")
            await walker.arrive("ReviewPage")
            fault = Break(at, number, "error", span)
            with watched(fault) as calls:
                calls._thread = await station.run(threading.get_ident)
                await confirm(walker, fault, name)
            assert len(registered(station.folder, name)) == 1, "what is acknowledged is there, once"
            await walker.app._go_home()
            if not fault.injected:
                break
            faults += 1
    station.close()
    record_property("faults", faults)
    assert faults > 10
    assert verify(station_folder, station.settings.station) == []
