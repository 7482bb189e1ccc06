"""What headquarters makes of the records: rosters, reports, needs, the service record, and whom a person looks at."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings

from kiosk.hq.collecting import collect
from kiosk.hq.database import Database
from kiosk.hq.keys import HqKeys
from kiosk.hq.reading import all_stations, history_of, history_of_day
from kiosk.records import Record
from kiosk.remote import Credentials
from kiosk.roster import roster
from kiosk.station import Station
from tests import factories, plain, second_reader
from tests.conftest import FakeClock, seeded
from tests.district import HOMES, District
from tests.test_index import seal
from tests.test_recovery import arrive
from tests.test_roster_properties import PEOPLE, any_log, times

HERE, THERE = HOMES
NUMBERS = ("people", "check_ins", "minutes", "refused", "pending_check_out")


def busy(district: District, station: str, seed: int, days: int = 4) -> None:
    """Some days of all that can happen at a station."""
    chance, clock = random.Random(seed), district.clock
    opened = Station(district.folder / station, clock=clock, entropy=seeded(seed))
    known: list[str] = []
    night: list[str] = []
    for day in range(days):
        clock.set(f"2021-12-{6 + day:02}T05:50")
        for volunteer in night:  # who has come the evening before
            if opened.visit(volunteer) is not None and chance.random() < 0.8:
                opened.check_out(volunteer)
                if chance.random() < 0.5:
                    opened.check_in_again(volunteer, factories.answers(district.campaign, opened.today()))
        clock.set(f"2021-12-{6 + day:02}T07:30")
        for number in range(6):
            clock.advance(minutes=chance.randrange(1, 40))
            if known and chance.random() < 0.3:
                volunteer = chance.choice(known)
                if opened.visit(volunteer) is None:
                    given = factories.answers(district.campaign, opened.today())
                    opened.check_in_again(volunteer, given)
            elif chance.random() < 0.2:
                opened.decline()
            else:
                done = arrive(opened, district.campaign, seed * 100 + day * 10 + number)
                known.append(done.volunteer or "")
            for volunteer in known:
                visit = opened.visit(volunteer)
                if visit is None:
                    continue
                what = chance.random()
                if what < 0.15:
                    opened.check_out(volunteer)
                elif what < 0.4 and visit.stint is None:
                    opened.start_duty(volunteer, chance.choice(("order", "disinfection")))
                elif what < 0.5 and visit.stint is not None:
                    opened.end_duty(volunteer)
                elif what < 0.56:
                    opened.void(visit.id, "by mistake")
                elif what < 0.62:
                    earlier = visit.checked_in - timedelta(minutes=chance.randrange(1, 9))
                    opened.correct(visit.id, visit.id, earlier, "late at the desk")
            if chance.random() < 0.2:
                opened.seal()
        clock.set(f"2021-12-{6 + day:02}T23:50")
        for late in opened.pending():
            if chance.random() < 0.5:
                opened.sign_out_late(late.id, late.last + timedelta(minutes=5), "forgot")
        night = []
        for number in range(2):
            done = arrive(opened, district.campaign, seed * 100 + day * 10 + 8 + number)
            night.append(done.volunteer or "")
            opened.start_duty(night[-1], "order")
    opened.close()


@pytest.fixture
def handed(district: District) -> District:
    """Two stations after four busy days, collected."""
    for seed, station in enumerate(HOMES, start=1):
        busy(district, station, seed)
    district.clock.set("2021-12-11T09:00")
    for station in HOMES:
        assert district.sync(station).code == 0
    done = district.collect()
    assert done.code == 0, done.err
    return district


def test_a_second_reader_with_the_format_alone_comes_to_the_same_report(handed: District) -> None:
    told = handed.hq("report", "--format", "json").rows
    ours = {(row["day"], row["station"]): {key: row[key] for key in NUMBERS} for row in told}
    theirs: dict[tuple[str, str], dict[str, int]] = {}
    for station in HOMES:
        read = second_reader.report(handed.folder / station, handed.clock())
        theirs |= {key: {name: numbers[name] for name in NUMBERS} for key, numbers in read.items()}
    assert ours == theirs
    assert len(ours) >= 8
    assert all(sum(row[name] for row in ours.values()) > 0 for name in NUMBERS)


def test_the_second_reader_is_short_and_knows_nothing_of_the_kiosk() -> None:
    text = Path(second_reader.__file__).read_text("utf-8")
    body = text[text.index("def report") :]
    code = [line for line in body.splitlines() if line.strip() and not line.strip().startswith(('"""', "#"))]
    assert len(code) <= 40
    assert "kiosk." not in text.replace("`kiosk hq report`", "")


def test_headquarters_roster_is_that_of_the_station(handed: District) -> None:
    for station in HOMES:
        for day in range(6, 11):
            when = f"2021-12-{day:02}"
            here = handed.at(station, "roster", "--day", when, "--format", "json").rows
            there = handed.hq("roster", "--day", when, "--station", station, "--format", "json").rows
            assert there == [{"station": station, **row} for row in here]


def test_a_day_read_by_itself_is_that_of_the_whole_log(handed: District) -> None:
    database = handed.database()
    now = handed.clock()
    with database.begin() as connection:
        for where in all_stations(connection):
            whole = history_of(connection, where)
            for day in sorted(whole.days()):
                alone = history_of_day(connection, where, day)
                assert roster(alone, day, now) == roster(whole, day, now)
                assert alone.refused.get(day, 0) == whole.refused.get(day, 0)
    database.close()


def differing(folder: Path, records: Sequence[Record], now: datetime) -> list[tuple[Any, Any]]:
    """The log collected as a plain file: what its days read by themselves say otherwise than the whole log does."""
    seal(folder, 1, records)
    keys, database = HqKeys.create(folder / "keys"), Database(None, folder / "hq")
    collect(database, keys, str(folder / "records" / "sealed"), Credentials(), now)
    found: list[tuple[Any, Any]] = []
    with database.begin() as connection:
        for where in all_stations(connection):
            whole = history_of(connection, where)
            for day in whole.days():
                alone = history_of_day(connection, where, day)
                found += [(alone.refused.get(day, 0), whole.refused.get(day, 0))]
                found += zip(roster(alone, day, now), roster(whole, day, now), strict=True)
    database.close()
    return [(one, other) for one, other in found if one != other]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(any_log(), times)
def test_a_day_of_any_log_read_by_itself_is_that_of_the_whole_log(
    tmp_path_factory: pytest.TempPathFactory, records: list[Record], now: datetime
) -> None:
    if records:
        assert differing(tmp_path_factory.mktemp("log"), records, now) == []


def test_a_day_read_by_itself_flags_whoever_has_another_number_of_days_before(tmp_path: Path) -> None:
    who, other = PEOPLE[:2]
    visit = factories.checked_in(who, factories.at("09:00"))
    earlier = factories.registered(other, factories.at("08:00") - timedelta(days=30))
    records = factories.chain([earlier, factories.registered(who, factories.at("08:00")), visit])
    (entry,) = roster(factories.folded(records), factories.DAY, factories.at("20:00"))
    assert entry.flags == ("same_person",)
    assert differing(tmp_path, records, factories.at("20:00")) == []


def test_a_day_is_found_by_indexes_that_do_not_know_of_the_rest(handed: District) -> None:
    """Whatever else the database holds, nothing of it is looked at."""
    database = handed.database()
    asked: list[tuple[str, Any]] = []
    with database.begin() as connection:
        where = all_stations(connection)[0]

        def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
            asked.append((statement, parameters))

        sa.event.listen(connection, "before_cursor_execute", note)
        history_of_day(connection, where, date(2021, 12, 7))
        sa.event.remove(connection, "before_cursor_execute", note)
        plans = [
            " ".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters))
            for statement, parameters in asked
        ]
    database.close()
    assert [plan.partition(" (")[2].partition(")")[0] for plan in plans] == [
        "station=? AND day>? AND day<?",
        "station=? AND visit=?",
        "about=? AND station=?",
        "who=? AND station=?",
    ]
    assert not any("SCAN" in plan for plan in plans)


def test_a_visit_that_was_moved_to_another_day_is_found_there(district: District, clock: FakeClock) -> None:
    clock.set("2021-12-08T00:10")
    opened = Station(district.folder / HERE, clock=clock, entropy=seeded(1))
    visit = opened.visit(arrive(opened, district.campaign).volunteer or "")
    assert visit is not None
    clock.advance(minutes=5)
    opened.correct(visit.id, visit.id, datetime.fromisoformat("2021-12-07T23:50+08:00"), "before midnight")
    opened.close()
    district.sync(HERE)
    district.collect()
    rows = district.hq("report", "--format", "json").rows
    assert [(row["day"], row["people"]) for row in rows] == [("2021-12-07", 1)]
    assert district.hq("report", "--day", "2021-12-07", "--format", "json").rows == rows
    assert district.hq("report", "--day", "2021-12-08", "--format", "json").rows == []
    assert len(district.hq("roster", "--day", "2021-12-07", "--format", "json").rows) == 1


def test_the_report_has_its_keys_in_order_and_can_be_narrowed(handed: District) -> None:
    rows = handed.hq("report", "--format", "json").rows
    assert list(rows[0]) == [
        "day", "street", "community", "station",
        "people", "check_ins", "minutes", "refused", "pending_check_out", "duplicates",
    ]  # fmt: skip
    assert [row["day"] for row in rows] == sorted(row["day"] for row in rows)
    one = handed.hq("report", "--day", "2021-12-07", "--format", "json").rows
    assert one == [row for row in rows if row["day"] == "2021-12-07"]
    here = handed.hq("report", "--community", HOMES[HERE], "--format", "json").rows
    assert here == [row for row in rows if row["station"] == HERE]
    named = handed.hq("report", "--community", here[0]["community"], "--format", "json").rows
    assert named == here
    assert handed.hq("report", "--community", "no such", "--format", "json").code == 2


def test_nobody_is_served_past_the_last_record_of_a_station_that_is_silent(handed: District) -> None:
    before = handed.hq("report", "--format", "json").rows
    handed.clock.advance(days=400)
    after = handed.hq("report", "--format", "json").rows
    assert [row["minutes"] for row in after] == [row["minutes"] for row in before]


# --- people ---------------------------------------------------------------------------------------------------------


def both(district: District, left: bool = True, **changes: Any) -> list[str]:
    """The same person at both stations on one morning."""
    numbers: list[str] = []
    for station in HOMES:
        district.clock.set("2021-12-06T08:00")
        opened = Station(district.folder / station, clock=district.clock, entropy=seeded(len(numbers)))
        number = arrive(opened, district.campaign, 1, **changes).volunteer or ""
        numbers.append(number)
        if left:
            district.clock.set("2021-12-06T11:00")
            opened.check_out(number)
        opened.close()
    for station in HOMES:
        district.sync(station)
    district.clock.set("2021-12-06T12:00")
    assert district.collect().code == 0
    return numbers


def test_the_same_person_under_two_numbers_is_found_by_name_and_phone(district: District) -> None:
    numbers = both(district)
    (district.folder / "keys" / "hq.age").rename(district.folder / "safe.age")
    rows = district.hq("problems", "--format", "json").rows
    assert sorted(row["kind"] for row in rows) == ["same_person", "two_places"]
    assert all(number in row["detail"] for row in rows for number in numbers)
    assert [row["duplicates"] for row in district.hq("report", "--format", "json").rows] == [1, 1]


def test_with_headquarters_key_the_id_number_tells_it_whatever_the_name_is(district: District) -> None:
    where: dict[str, Any] = {"id_number": factories.id_number()}
    for number, (station, name) in enumerate(zip(HOMES, ("林小满", "林晓曼"), strict=True)):
        opened = Station(district.folder / station, clock=district.clock, entropy=seeded(number))
        arrive(opened, district.campaign, number, name=name, **where)
        opened.close()
        district.sync(station)
    district.collect()
    assert "same_person" in [kind for _station, kind in district.kinds()]
    (district.folder / "keys" / "hq.age").rename(district.folder / "safe.age")
    assert district.kinds() == []


def test_two_people_with_one_name_and_other_phones_are_two(district: District) -> None:
    for number, station in enumerate(HOMES):
        opened = Station(district.folder / station, clock=district.clock, entropy=seeded(number))
        arrive(opened, district.campaign, number, name="林小满")
        opened.close()
        district.sync(station)
    district.collect()
    assert district.kinds() == []


def test_who_goes_from_one_station_to_the_other_is_at_one_at_a_time(district: District, clock: FakeClock) -> None:
    code = district.arrival(HERE, 1)
    opened = Station(district.folder / HERE, clock=clock, entropy=seeded(5))
    number = opened.recognise(code).number or ""
    clock.advance(hours=1)
    opened.check_out(number)
    opened.close()
    for station in HOMES:
        district.accept(station)
    district.tell(*HOMES)
    clock.advance(minutes=20)
    there = Station(district.folder / THERE, clock=clock, entropy=seeded(6))
    visitor = there.recognise(code).visitor
    assert visitor is not None
    there.admit_visitor(visitor, "林小满", factories.answers(district.campaign, there.today()), consented=True)
    there.close()
    for station in HOMES:
        district.sync(station)
    district.collect()
    assert "two_places" not in [kind for _station, kind in district.kinds()]
    # And at both at once: the sign-out is moved behind the arrival at the other station.
    opened = Station(district.folder / HERE, clock=clock, entropy=seeded(7))
    visit = opened.newest_visit(number)
    assert visit is not None
    out = next(record for record in opened.records_of(visit.id) if record.type == "checked_out")
    clock.advance(minutes=30)
    opened.correct(visit.id, out.id, clock() - timedelta(minutes=5), "stayed")
    opened.close()
    district.sync(HERE)
    district.collect()
    assert "two_places" in [kind for _station, kind in district.kinds()]


def test_what_was_decided_is_written_down_and_not_asked_again(district: District) -> None:
    both(district)
    rows = district.hq("problems", "--format", "json").rows
    for row in rows:
        name = row["detail"][1:].partition("]")[0]
        done = district.hq("resolve", name, "--decision", "same", "--reason", "called them", "--format", "json")
        assert done.code == 0, done.err
        assert done.rows[0]["decision"] == "same"
        assert district.hq("resolve", name, "--decision", "same", "--reason", "x").code == 2
    assert district.kinds() == []
    assert [row["duplicates"] for row in district.hq("report", "--format", "json").rows] == [0, 0]
    from kiosk.hq.database import resolutions
    from tests.test_hq_collect import rows_of

    assert [(row.decision, row.reason) for row in rows_of(district, resolutions)] == [("same", "called them")] * 2


def test_a_clock_that_jumped_is_told(district: District, clock: FakeClock) -> None:
    district.arrivals(HERE, 1)
    opened = Station(district.folder / HERE, clock=clock, elapsed=iter_of(), entropy=seeded(1))
    clock.advance(hours=30)
    opened.watch_clock()
    opened.close()
    district.sync(HERE)
    district.collect()
    assert district.kinds() == [(HERE, "clock")]


def iter_of() -> Any:
    """Time that does not pass, whatever the clock shows."""
    return lambda: 0.0


# --- needs ----------------------------------------------------------------------------------------------------------


def test_needs_are_held_against_who_came(district: District, clock: FakeClock) -> None:
    shown = district.folder / "c.json"
    district.hq("campaign", "show", "--out", str(shown))
    where = ["--community", HOMES[HERE], "--place", "东门", "--from", "06:00", "--to", "20:00"]
    for post, wanted in (("P1", "2"), ("P2", "1")):
        done = district.hq(
            "campaign", "post", str(shown), post, "--duty", "order", *where, "--wanted", wanted, "--format", "json"
        )
        assert done.code == 0, done.err
    assert district.hq("campaign", "post", str(shown), "P2", "--remove").code == 0
    assert district.hq("campaign", "publish", str(shown)).code == 0
    district.handed(HERE)
    district.sync(HERE)
    district.collect()
    assert "campaigns" in district.sync(HERE).rows[0]["taken"]
    district.handed(HERE, (1,))
    district.collect()
    (need,) = district.hq("report", "--needs", "--day", "2021-12-06", "--format", "json").rows
    assert (need["post"], need["wanted"], need["arrived"], need["missing"]) == ("P1", 2, 1, 1)
    assert need["duty"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--duty", "no such"],
        ["--community", "330199999999"],
        ["--from", "25:00"],
        ["--wanted", "-1"],
    ],
)
def test_a_post_that_is_wrong_is_not_written(district: District, arguments: list[str]) -> None:
    shown = district.folder / "c.json"
    district.hq("campaign", "show", "--out", str(shown))
    before = shown.read_bytes()
    good = ["--duty", "order", "--community", HOMES[HERE], "--place", "门", "--from", "06:00", "--to", "20:00"]
    done = district.hq("campaign", "post", str(shown), "P1", *good, "--wanted", "1", *arguments)
    assert done.code != 0
    assert done.err.strip()
    assert shown.read_bytes() == before


def test_a_version_is_published_once_and_never_changes(district: District) -> None:
    shown = district.folder / "c.json"
    district.hq("campaign", "show", "--out", str(shown))
    assert district.hq("campaign", "publish", str(shown)).code == 0
    assert district.hq("campaign", "publish", str(shown)).code == 0  # the same once more changes nothing
    source = json.loads(shown.read_text("utf-8"))
    source["campaign"]["name"]["zh"] = "另一个活动"
    shown.write_text(json.dumps(source, ensure_ascii=False), "utf-8")
    done = district.hq("campaign", "publish", str(shown))
    assert done.code == 2
    assert "2" in done.err
    source["campaign"]["streets"] = 7
    source["communities"] = []
    shown.write_text(json.dumps(source, ensure_ascii=False), "utf-8")
    assert district.hq("campaign", "check", str(shown)).code == 1


# --- the service record ---------------------------------------------------------------------------------------------


@pytest.fixture
def served(district: District) -> Iterator[str]:
    """The number of somebody who has served at `HERE` for three hours and a quarter."""
    clock = district.clock
    opened = Station(district.folder / HERE, clock=clock, entropy=seeded(1))
    done = arrive(opened, district.campaign, 1, name="=林小满", id_number=factories.id_number(order=13))
    number = done.volunteer or ""
    opened.start_duty(number, "order")
    clock.advance(hours=3, minutes=15)
    opened.check_out(number)
    opened.close()
    district.sync(HERE)
    clock.advance(days=1)
    district.collect()
    yield number


def test_the_service_record_has_what_order_67_asks_for(district: District, served: str) -> None:
    (row,) = district.hq("export", "--format", "json").rows
    assert (row["volunteer"], row["name"], row["minutes"], row["hours"]) == (served, "=林小满", 195, "3.25")
    assert (row["id_number"], row["sex"], row["birth_date"]) == ("", "", "")
    assert "*" in row["phone"]
    assert row["activity"] and row["street"] and row["community"] and row["content"] and row["in_charge"]
    assert row["evaluation"] == ""


def test_id_numbers_are_told_only_with_headquarters_private_key(district: District, served: str) -> None:
    key = district.folder / "keys" / "hq.age"
    (row,) = district.hq("export", "--identity", str(key), "--format", "json").rows
    assert row["id_number"] == factories.id_number(order=13)
    assert row["phone"] == factories.phone(1)
    assert row["sex"] == "男"
    assert row["birth_date"] == "1995-05-20"
    wrong = district.hq("export", "--identity", str(district.folder / "keys" / "hq.key"))
    assert wrong.code == 1
    assert "hq.key" in wrong.err


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_file_of_it_opens_in_a_spreadsheet_and_no_cell_is_a_formula(
    district: District, served: str, form: str
) -> None:
    path = district.folder / f"record.{form}"
    assert district.hq("export", "--out", str(path)).code == 0
    content = path.read_bytes()
    if form == "csv":
        assert content.startswith(b"\xef\xbb\xbf")
        assert "'=林小满" in content.decode("utf-8-sig")
    else:
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            sheet = book.read("xl/worksheets/sheet1.xml").decode()
            assert "<f>" not in sheet
            assert "=林小满" in book.read("xl/sharedStrings.xml").decode()


def test_other_endings_are_refused(district: District, served: str) -> None:
    done = district.hq("export", "--out", str(district.folder / "record.doc"))
    assert done.code == 2
    assert ".xlsx" in done.err


def test_a_certificate_for_one_and_for_all(district: District, served: str) -> None:
    folder = district.folder / "certificates"
    done = district.hq("export", "--certificates", str(folder))
    assert (done.code, [path.name for path in folder.iterdir()]) == (0, [f"{served}.pdf"])
    assert (folder / f"{served}.pdf").read_bytes().startswith(b"%PDF")
    one = district.folder / "one"
    assert district.hq("export", "--certificates", str(one), "--volunteer", served).code == 0
    assert [path.name for path in one.iterdir()] == [f"{served}.pdf"]
    assert district.hq("export", "--volunteer", "12").code == 2
    nobody = factories.volunteer_number(99)
    assert district.hq("export", "--volunteer", nobody).code == 1


def test_a_certificate_says_what_was_served(district: District, served: str) -> None:
    from kiosk.campaign_files import shipped
    from kiosk.hq import service

    database = district.database()
    with database.begin() as connection:
        found = service.services(connection, district.clock())
    database.close()
    (certificate,) = service.certificates(found, shipped())
    title, sections = service.certificate_sections(certificate, shipped(), date(2021, 12, 8))
    text = "\n".join([title, *(line for _heading, lines in sections for line in lines)])
    for part in (served, "=林小满", "195", "3.25", "2021-12-06"):
        assert part in text


def test_somebody_without_a_sign_out_has_no_minutes_and_no_certificate_for_it(
    district: District, clock: FakeClock
) -> None:
    district.handed(HERE, (1,))
    clock.advance(days=2)
    district.collect()
    (row,) = district.hq("export", "--format", "json").rows
    assert (row["minutes"], row["hours"]) == (None, "")
    assert row["remarks"]
    folder = district.folder / "certificates"
    assert district.hq("export", "--certificates", str(folder)).code == 0
    assert list(folder.iterdir()) == []


def test_who_was_forgotten_keeps_their_hours_and_no_name(district: District, served: str) -> None:
    district.at(HERE, "forget", served)
    district.sync(HERE)
    district.collect()
    (row,) = district.hq("export", "--format", "json").rows
    assert (row["name"], row["phone"], row["minutes"]) == ("", "", 195)
    key = district.folder / "keys" / "hq.age"
    (row,) = district.hq("export", "--identity", str(key), "--format", "json").rows
    assert row["id_number"] == ""
    assert plain.log(district.folder / HERE)[1]["volunteer"] == served


def test_what_is_sealed_again_is_read_with_headquarters_key(
    district: District, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = district.folder / "late"
    done = district.run("init", "--station", "S002001", "--community", HOMES[HERE], "--format", "json", folder=folder)
    (told,) = done.rows
    opened = Station(folder, clock=clock, entropy=seeded(1))
    arrive(opened, district.campaign, 1, id_number=factories.id_number())
    opened.close()
    hq = str(district.folder / "keys" / "hq.json")
    assert district.at("late", "badge", "stations", "--hq", hq).code == 0
    assert district.at("late", "sync", str(district.box)).code == 0
    district.collect()
    key = ["--identity", str(district.folder / "keys" / "hq.age")]
    assert [row["id_number"] for row in district.hq("export", *key, "--format", "json").rows] == [""]
    monkeypatch.setattr("sys.stdin", io.StringIO(told["passphrase"] + "\n"))
    done = district.at("late", "sync", str(district.box), "--seal-again")
    assert done.code == 0, done.err
    assert told["passphrase"] not in done.out + done.err
    district.collect()
    assert [row["id_number"] for row in district.hq("export", *key, "--format", "json").rows] == [factories.id_number()]
    monkeypatch.setattr("sys.stdin", io.StringIO("wrong\n"))
    assert district.at("late", "sync", str(district.box), "--seal-again").code == 1
