"""One volunteer at two stations at once: no minute of theirs counts twice, and none that counts once is lost."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.campaign_files import shipped
from kiosk.hq import service
from kiosk.hq.stays import _without
from kiosk.records import Draft
from kiosk.rules import Application, Stay
from kiosk.station import Station
from tests import factories
from tests.conftest import FakeClock, seeded
from tests.district import HOMES, District

HERE, THERE = HOMES
DAY = date(2021, 12, 6)
NUMBER = factories.volunteer_number(7)


def at(clock: str, day: int = 6) -> datetime:
    return factories.at(clock, DAY.replace(day=day))


def written(district: District, station: str, *drafts: Draft) -> None:
    """Writes the drafts into a station's log, as of the time of the last, and hands it over."""
    district.clock.now = max(draft.occurred for draft in drafts)
    opened = Station(district.folder / station, clock=district.clock, entropy=seeded(1))
    opened._write(drafts, district.clock.now)
    opened.close()
    assert district.sync(station).code == 0


def visit(start: str, *changes: str, out: datetime, day: int = 6, late: bool = False) -> list[Draft]:
    """A visit with a duty from check-in on that ends and begins again at each of `changes`."""
    came = factories.checked_in(NUMBER, at(start, day))
    duty = factories.duty_started(came, came.occurred)
    drafts = [factories.registered(NUMBER, came.occurred), came, factories.assigned(came), duty]
    for count, change in enumerate(changes):
        if count % 2:
            drafts.append(duty := factories.duty_started(came, at(change, day)))
        else:
            drafts.append(factories.duty_ended(came, duty, at(change, day)))
    return [*drafts, factories.checked_out(came, out, late=late)]


def told(district: District) -> dict[str, tuple[Any, bool]]:
    """By station the minutes in the service record, and whether they have a remark; the report says the same."""
    assert district.collect().code == 0
    rows = district.hq("export", "--format", "json").rows
    days = district.hq("report", "--format", "json").rows
    assert sum(row["minutes"] or 0 for row in rows) == sum(day["minutes"] for day in days)
    for day in days:
        narrowed = district.hq("report", "--day", day["day"], "--station", day["station"], "--format", "json").rows
        assert narrowed == [day], "one day by itself is that of the whole"
    return {row["recorder"]: (row["minutes"], "hq problems" in row["remarks"]) for row in rows}


def test_a_sheet_and_a_badge_at_two_stations_count_the_union(district: District, clock: FakeClock) -> None:
    for station in HOMES:
        district.accept(station)
    district.tell(*HOMES)
    clock.set("2021-12-06T05:00")
    opened = Station(district.folder / HERE, clock=clock, entropy=seeded(1))
    sheet = Stay("import", at("00:30"), at("04:05"))
    who = factories.applicant(1, name="林小满")
    admitted = opened.check_in(Application(who, factories.answers(district.campaign, DAY), True, sheet))
    code = opened.badge_code(admitted.volunteer or "")
    opened.close()
    clock.set("2021-12-06T03:05")
    there = Station(district.folder / THERE, clock=clock, entropy=seeded(2))
    visitor = there.recognise(code or "").visitor
    assert visitor is not None
    there.admit_visitor(visitor, "林小满", factories.answers(district.campaign, DAY), consented=True)
    clock.set("2021-12-06T04:05")
    there.check_out(visitor.volunteer)
    there.close()
    clock.set("2021-12-06T05:00")
    for station in HOMES:
        district.sync(station)
    assert told(district) == {HERE: (215, False), THERE: (0, True)}
    assert "two_places" in [kind for _station, kind in district.kinds()]
    database = district.database()
    with database.begin() as connection:
        (certificate,) = service.certificates(service.services(connection, clock()), shipped())
        assert certificate.minutes == 215
        alone = service.services(connection, clock(), day=DAY, volunteer=visitor.volunteer)
    database.close()
    assert [each.minutes for each in alone] == [215, 0]
    (row,) = [row for row in district.hq("export", "--format", "json").rows if row["recorder"] == THERE]
    assert row["remarks"] == "有 60 分钟已计入另一站点，见 kiosk hq problems"


def test_who_serves_elsewhere_during_a_break_loses_nothing_of_it(district: District) -> None:
    written(district, HERE, *visit("08:00", "09:00", "11:00", out=at("12:00")))
    written(district, THERE, *visit("08:30", out=at("11:30")))
    assert told(district) == {HERE: (120, False), THERE: (120, True)}


def test_the_visit_that_began_first_keeps_the_minutes_whatever_came_first(district: District) -> None:
    written(district, HERE, *visit("09:00", out=at("11:00")))
    written(district, THERE, *visit("08:00", out=at("10:00")))
    assert told(district) == {HERE: (60, True), THERE: (120, False)}


@pytest.mark.parametrize("last", ["2021-12-09T10:00", "2021-12-09T12:00"])
def test_a_late_sign_out_days_later_takes_no_minute_twice(district: District, last: str) -> None:
    left = datetime.fromisoformat(f"{last}+08:00")
    written(district, HERE, *visit("08:00", out=left, late=True))
    written(district, THERE, *visit("09:00", out=at("11:00", 9), day=9))
    within = (min(left, at("11:00", 9)) - at("09:00", 9)) // timedelta(minutes=1)
    whole = (left - at("08:00")) // timedelta(minutes=1)
    assert told(district) == {HERE: (whole, False), THERE: (120 - within, True)}
    assert "two_places" in [kind for _station, kind in district.kinds()]


def test_who_goes_from_one_station_to_the_next_loses_nothing(district: District) -> None:
    written(district, HERE, *visit("08:00", out=at("10:00")))
    written(district, THERE, *visit("10:00", out=at("11:00")))
    assert told(district) == {HERE: (120, False), THERE: (60, False)}


def test_what_was_voided_takes_nothing(district: District) -> None:
    here = visit("08:00", out=at("12:00"))
    written(district, HERE, *here, factories.voided(here[1], here[1], now=at("12:30")))
    written(district, THERE, *visit("09:00", out=at("11:00")))
    assert told(district) == {THERE: (120, False)}


SPANS = st.tuples(st.integers(0, 30), st.integers(1, 12)).map(lambda span: (span[0], span[0] + span[1]))


@given(SPANS, st.lists(SPANS, max_size=6))
def test_what_is_left_of_a_stretch_is_what_nobody_has_taken(
    stretch: tuple[int, int], taken: list[tuple[int, int]]
) -> None:
    start = at("08:00")

    def moments(span: tuple[int, int]) -> tuple[datetime, datetime]:
        return start + timedelta(minutes=span[0]), start + timedelta(minutes=span[1])

    left = list(_without(moments(stretch), map(moments, taken)))
    gone = {minute for span in taken for minute in range(*span)}
    kept = {minute for minute in range(*stretch) if minute not in gone}
    found = [((begun - start).seconds // 60, (over - start).seconds // 60) for begun, over in left]
    assert [minute for span in found for minute in range(*span)] == sorted(kept)
