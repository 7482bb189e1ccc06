"""Whole visits through a station, judged by the files that they leave behind, read with plain TinyDB."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from kiosk.arriving import Admission
from kiosk.campaign import Campaign
from kiosk.errors import InvalidInput, NotPossible, NotSaved, StoreBusy
from kiosk.records import SHANGHAI, parse_volunteer_number
from kiosk.roster import roster
from kiosk.rules import Applicant, Application, Stay
from kiosk.screens.welcome import WelcomePage
from kiosk.segments import verify
from kiosk.settings import read_settings
from kiosk.station import Station, read_history
from tests import factories, plain

if TYPE_CHECKING:
    from tests.conftest import FakeClock

DAY = date(2021, 12, 6)
COMMON = {"id", "station", "epoch", "seq", "type", "volunteer", "at", "occurred", "campaign", "campaign_version", "by"}
COMMON |= {"prev", "hash"}
PERSONAL = {"personal", "personal_hash"}
HEALTH = {"health", "health_hash"}
FIELDS = {
    "registered": {"answers", "agreed"} | PERSONAL | HEALTH,
    "checked_in": {"answers", "agreed"} | HEALTH,
    "assigned": {"visit", "street", "community", "post", "why", "reason"},
    "badge_issued": {"code", "serial", "expires"},
    "badge_printed": {"serial", "outcome", "copies", "printer", "paper", "reprint", "reason"},
    "badge_revoked": {"serial", "reason"},
    "duty_started": {"visit", "duty", "post"},
    "duty_ended": {"visit", "start"},
    "checked_out": {"visit", "late", "reason"},
    "corrected": {"visit", "target", "changes", "reason"},
    "voided": {"visit", "target", "reason"},
    "phone_revealed": {"reason"},
    "refused": {"reasons"},
    "station_noted": {"note", "details"},
}
DAILY = {"health_code": "green", "travel_code": "green*"}
OPENING = ["checked_in", "assigned"]
FIRST = ["registered", *OPENING, "badge_issued"]


def application(campaign: Campaign, applicant: Applicant | None = None, **answers: str) -> Application:
    given = factories.answers(campaign, DAY, **answers)
    return Application(applicant or factories.applicant(), given, True, Stay())


@pytest.fixture
def log(station_folder: Path) -> Callable[[], list[dict[str, Any]]]:
    """Gives what the files hold after the record of the set-up; each record must have exactly its fields."""

    def read() -> list[dict[str, Any]]:
        first, *others = plain.log(station_folder)
        assert (first["type"], first["note"], first["seq"]) == ("station_noted", "set_up", 1)
        for document in others:
            assert document.keys() == COMMON | FIELDS[document["type"]], document["type"]
        return others

    return read


def types(documents: list[dict[str, Any]]) -> list[str]:
    return [document["type"] for document in documents]


Log = Callable[[], list[dict[str, Any]]]


def arrive(station: Station, campaign: Campaign, number: int = 0) -> Admission:
    done = station.check_in(application(campaign, factories.applicant(number)))
    assert done.outcome == "admitted"
    return done


# --- whole visits ---------------------------------------------------------------------------------------------------


def test_a_first_visit(station: Station, campaign: Campaign, clock: FakeClock, log: Log) -> None:
    who = factories.applicant(id_number=factories.id_number(), note="会说英语")
    done = station.check_in(application(campaign, who))
    registered, checked_in, assigned, badge = records = log()
    assert types(records) == FIRST
    assert done == Admission("admitted", (), done.volunteer, badge["code"], done.assignment, done.ids, True)
    assert done.ids == tuple(document["id"] for document in records)
    assert done.volunteer == parse_volunteer_number(done.volunteer or "")
    for document in records:
        assert document["volunteer"] == done.volunteer
        assert (document["by"], document["station"], document["campaign"]) == ("volunteer", "S016001", "SC2021")
        assert document["at"] == document["occurred"] == "2021-12-06T08:00:00.000+08:00"
    assert registered["answers"] == {"district": "met", "pledge": "met"}
    agreed = [(text["text"], text["version"]) for text in registered["agreed"]]
    assert agreed == [("notice", 1), ("health", 1), ("pledge", 1)]
    assert registered["health"].keys() == {"salt", "answers"}
    assert registered["health"]["answers"] == {"vaccinated": "met"}
    about = registered["personal"]
    assert about.keys() == {"salt", "name", "phone_masked", "street", "community", "sealed", "person", "note"}
    assert (about["name"], about["phone_masked"], about["note"]) == (who.name, "199****0000", "会说英语")
    assert len(bytes.fromhex(about["person"])) == 32
    assert checked_in["health"]["answers"] == {"health_code": "met", "travel_code": "met"}
    assert (assigned["visit"], assigned["why"]) == (checked_in["id"], "home_community")
    assert (assigned["street"], assigned["community"]) == (who.street, who.community)
    assert badge["expires"] == (DAY + timedelta(days=180)).isoformat()


def test_whoever_checks_in_has_agreed_to_the_texts_as_the_campaign_has_them(
    station: Station, campaign: Campaign
) -> None:
    """In both languages: somebody read one of them, and the hash has to say so of whichever it was."""
    station.check_in(application(campaign))
    (agreed,) = [record["agreed"] for record in plain.log(station.folder) if record["type"] == "registered"]
    source = factories.campaign_source()["campaign"]
    texts = {each["id"]: each["text"] for each in (*source["consents"], *source["clauses"])}
    assert [each["text"] for each in agreed] == ["notice", "health", "pledge"]
    for each in agreed:
        both = json.dumps(texts[each["text"]], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        assert each["hash"] == hashlib.sha256(both.encode()).hexdigest()


def test_a_day_with_a_change_of_duty(station: Station, campaign: Campaign, clock: FakeClock, log: Log) -> None:
    volunteer = arrive(station, campaign).volunteer or ""
    clock.advance(minutes=10)
    station.start_duty(volunteer, "temperature")
    clock.advance(minutes=60)
    station.start_duty(volunteer, "order")
    clock.advance(minutes=30)
    station.end_duty(volunteer)
    clock.advance(minutes=15)
    done = station.check_out(volunteer)
    assert types(log())[4:] == ["duty_started", "duty_ended", "duty_started", "duty_ended", "checked_out"]
    visit = log()[1]["id"]
    first, first_end, second, second_end, out = log()[4:]
    assert {document["visit"] for document in log()[4:]} == {visit}
    assert (first["duty"], second["duty"]) == ("temperature", "order")
    assert (first_end["start"], second_end["start"]) == (first["id"], second["id"])
    assert first_end["occurred"] == second["occurred"] == "2021-12-06T09:10:00.000+08:00"
    assert (out["late"], out["reason"], out["by"]) == (False, None, "volunteer")
    assert done.minutes == 100
    (entry,) = station.roster()
    assert (entry.status, entry.minutes, entry.flags) == ("checked_out", 100, ())


def test_leaving_ends_the_duty(station: Station, campaign: Campaign, clock: FakeClock, log: Log) -> None:
    volunteer = arrive(station, campaign).volunteer or ""
    station.start_duty(volunteer, "order")
    clock.advance(minutes=20)
    assert station.check_out(volunteer).minutes == 20
    assert types(log())[4:] == ["duty_started", "duty_ended", "checked_out"]
    with pytest.raises(NotPossible):
        station.check_out(volunteer)
    with pytest.raises(NotPossible):
        station.start_duty(volunteer, "order")
    assert len(log()) == 7


def test_what_makes_no_sense_writes_nothing(station: Station, campaign: Campaign, log: Log) -> None:
    volunteer = arrive(station, campaign).volunteer or ""
    with pytest.raises(NotPossible):
        station.end_duty(volunteer)
    with pytest.raises(NotPossible):
        station.start_duty(volunteer, "no such duty")
    station.start_duty(volunteer, "order")
    with pytest.raises(NotPossible):
        station.start_duty(volunteer, "order")
    with pytest.raises(NotPossible):
        station.check_in_again(factories.volunteer_number(99), DAILY)
    with pytest.raises(NotPossible):
        station.check_out(factories.volunteer_number(99))
    assert types(log()) == [*FIRST, "duty_started"]


def test_coming_back_the_next_day(station: Station, campaign: Campaign, clock: FakeClock, log: Log) -> None:
    first = arrive(station, campaign)
    clock.advance(hours=2)
    station.check_out(first.volunteer or "")
    clock.set("2021-12-07 08:30")
    found = station.recognise(first.code or "")
    assert (found.refused, found.visit, found.pending, found.renewal) == (None, None, (), False)
    assert found.person is not None
    assert found.person.name == factories.NAMES[0]
    done = station.check_in_again(found.person.volunteer, DAILY)
    assert (done.outcome, done.volunteer, done.code) == ("admitted", first.volunteer, first.code)
    assert types(log())[5:] == OPENING
    assert log()[5]["health"]["answers"] == {"health_code": "met", "travel_code": "met"}
    assert station.recognise((first.volunteer or "").lower().replace("-", " ")).visit == station.visit(
        first.volunteer or ""
    )


def test_a_red_code_the_next_day(station: Station, campaign: Campaign, clock: FakeClock, log: Log) -> None:
    volunteer = arrive(station, campaign).volunteer or ""
    station.check_out(volunteer)
    clock.advance(days=1)
    done = station.check_in_again(volunteer, {"health_code": "red", "travel_code": "orange"})
    assert done.reasons == ("health_code_not_green", "travel_code_not_green")
    assert types(log())[5:] == ["refused"]
    assert log()[5]["volunteer"] is None
    assert station.visit(volunteer) is None


def test_coming_back_without_the_badge(station: Station, campaign: Campaign, clock: FakeClock, log: Log) -> None:
    """Known by the ID number, even under another phone; by name and phone without one."""
    who = factories.applicant(id_number=factories.id_number())
    volunteer = station.check_in(application(campaign, who)).volunteer or ""
    station.check_out(volunteer)
    clock.advance(days=1)
    moved = replace(who, phone=factories.phone(7))
    assert station.check_in(application(campaign, moved)).volunteer == volunteer
    assert types(log())[5:] == ["registered", *OPENING]  # the phone is news, the badge is not
    station.check_out(volunteer)
    clock.advance(days=1)
    assert station.check_in(application(campaign, replace(moved, id_number=""))).volunteer == volunteer
    assert types(log())[9:] == OPENING
    other = replace(who, id_number=factories.id_number(order=2), phone=factories.phone(7))
    assert station.check_in(application(campaign, other)).volunteer != volunteer


def test_refused_for_two_reasons(
    station: Station, campaign: Campaign, station_folder: Path, clock: FakeClock, log: Log
) -> None:
    who = factories.applicant(id_number=factories.id_number(), note="备注一二三")
    answers = {"vaccinated": "no", "health_code": "yellow"}
    done = station.check_in(application(campaign, who, **answers))
    (record,) = log()
    assert done == Admission("refused", ("not_vaccinated", "health_code_not_green"), None, None, None, (record["id"],))
    assert record["reasons"] == ["not_vaccinated", "health_code_not_green"]
    assert record["volunteer"] is None
    assert plain.contains(station_folder, who.name, who.phone, who.id_number, "199****0000", who.note) == []
    assert plain.contains(station_folder / "records", "yellow") == []
    assert station.roster() == []


def test_no_consent(station: Station, campaign: Campaign, log: Log) -> None:
    given = application(campaign)
    done = station.check_in(replace(given, consented=False))
    assert done.reasons == ("consent_not_given",)
    assert station.decline().reasons == ("consent_not_given",)
    assert types(log()) == ["refused", "refused"]
    assert log()[1]["reasons"] == ["consent_not_given"]


def test_two_fast_scans(station: Station, campaign: Campaign, log: Log) -> None:
    """The same person twice at the same moment, in two threads: one visit."""
    outcomes: list[str] = []
    barrier = threading.Barrier(4)

    def scan() -> None:
        barrier.wait()
        outcomes.append(station.check_in(application(campaign)).outcome)

    threads = [threading.Thread(target=scan) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["admitted", "duplicate", "duplicate", "duplicate"]
    assert types(log()) == FIRST


def test_already_here(station: Station, campaign: Campaign, clock: FakeClock, log: Log) -> None:
    first = arrive(station, campaign)
    clock.advance(minutes=1)
    again = station.check_in(application(campaign))
    assert (again.outcome, again.volunteer, again.reasons) == ("duplicate", first.volunteer, ())
    assert set(again.ids) == {document["id"] for document in log() if document["type"] in OPENING}
    # Duplicate comes before refused: somebody who is here is not turned away by a second form.
    assert station.check_in(application(campaign, vaccinated="no")).outcome == "duplicate"
    by_badge = station.check_in_again(first.volunteer or "", DAILY)
    assert (by_badge.outcome, by_badge.code) == ("duplicate", first.code)
    assert types(log()) == FIRST


def test_a_forgotten_sign_out(station: Station, campaign: Campaign, clock: FakeClock, log: Log) -> None:
    volunteer = arrive(station, campaign).volunteer or ""
    clock.advance(hours=1)
    station.start_duty(volunteer, "order")
    clock.set("2021-12-06 20:30")
    assert station.roster()[0].status == "on_duty"  # the day is not over
    clock.set("2021-12-07 08:00")
    (entry,) = station.roster(DAY)
    assert (entry.status, entry.minutes, entry.checked_out_at) == ("pending_check_out", None, None)
    (pending,) = station.recognise(volunteer).pending
    assert station.visit(volunteer) is None

    assert station.check_in_again(volunteer, DAILY).outcome == "admitted"  # nobody is kept out by it
    before = log()
    clock.set("2021-12-07 10:00")
    with pytest.raises(NotPossible):
        station.sign_out_late(pending.id, datetime(2021, 12, 6, 11, 0, tzinfo=SHANGHAI), "  ")
    for wrong in ("2021-12-06 08:30", "2021-12-06 09:00", "2021-12-07 08:00:01", "2021-12-07 10:01"):
        with pytest.raises(InvalidInput) as error:
            station.sign_out_late(pending.id, datetime.fromisoformat(wrong).replace(tzinfo=SHANGHAI), "忘记签退")
        assert error.value.code == "time_invalid"
    assert log() == before
    done = station.sign_out_late(pending.id, datetime(2021, 12, 6, 11, 30, tzinfo=SHANGHAI), " 忘记签退 ")
    assert done.minutes == 210
    end, out = log()[len(before) :]
    assert (end["type"], out["type"]) == ("duty_ended", "checked_out")
    assert (out["late"], out["reason"], out["by"]) == (True, "忘记签退", "lead")
    assert out["occurred"] == end["occurred"] == "2021-12-06T11:30:00.000+08:00"
    assert out["at"] == "2021-12-07T10:00:00.000+08:00"
    (entry,) = station.roster(DAY)
    assert (entry.status, entry.minutes, entry.flags) == ("checked_out", 210, ("late_sign_out",))
    with pytest.raises(NotPossible):
        station.sign_out_late(pending.id, datetime(2021, 12, 6, 12, 0, tzinfo=SHANGHAI), "again")


def test_a_correction_keeps_both_times(station: Station, campaign: Campaign, clock: FakeClock, log: Log) -> None:
    volunteer = arrive(station, campaign).volunteer or ""
    clock.advance(hours=2)
    out = station.check_out(volunteer)
    before = log()
    last = before[-1]
    clock.advance(hours=1)
    moved = station.correct(out.visit.id, last["id"], datetime(2021, 12, 6, 10, 30, tzinfo=SHANGHAI), "走得晚")
    assert moved.checked_out == datetime(2021, 12, 6, 10, 30, tzinfo=SHANGHAI)
    *same, record = log()
    assert same == before
    assert record["type"] == "corrected"
    assert record["changes"] == {"occurred": ["2021-12-06T10:00:00.000+08:00", "2021-12-06T10:30:00.000+08:00"]}
    assert (record["target"], record["visit"], record["reason"], record["by"]) == (
        last["id"],
        out.visit.id,
        "走得晚",
        "lead",
    )
    (entry,) = station.roster()
    assert (entry.minutes, entry.flags) == (150, ("corrected",))
    for when in (datetime(2021, 12, 6, 7, 0, tzinfo=SHANGHAI), clock.now + timedelta(minutes=1)):
        with pytest.raises(InvalidInput):
            station.correct(out.visit.id, last["id"], when, "错")
    with pytest.raises(NotPossible):
        station.correct(out.visit.id, "no such record", clock.now, "错")
    assert len(log()) == len(before) + 1


def test_a_correction_to_the_day_before(station: Station, campaign: Campaign, clock: FakeClock) -> None:
    arrive(station, campaign)
    visit = station.roster()[0]
    opened = station.visit(visit.volunteer)
    assert opened is not None
    station.correct(opened.id, opened.id, datetime(2021, 12, 5, 23, 0, tzinfo=SHANGHAI), "夜班")
    assert station.roster() == []
    assert [entry.volunteer for entry in station.roster(date(2021, 12, 5))] == [visit.volunteer]
    reread = read_history(station.folder)
    assert [visit.volunteer for visit in reread.visits_on(date(2021, 12, 5))] == [visit.volunteer]


def test_a_visit_that_did_not_take_place(station: Station, campaign: Campaign, log: Log) -> None:
    volunteer = arrive(station, campaign).volunteer or ""
    visit = station.visit(volunteer)
    assert visit is not None
    with pytest.raises(NotPossible):
        station.void(visit.id, "")
    station.void(visit.id, "登记错人")
    assert types(log()) == [*FIRST, "voided"]
    assert (log()[4]["target"], log()[4]["reason"]) == (visit.id, "登记错人")
    assert station.roster() == []
    assert station.visit(volunteer) is None
    assert station.check_in_again(volunteer, DAILY).outcome == "admitted"


def test_sent_elsewhere(station: Station, campaign: Campaign, log: Log) -> None:
    volunteer = arrive(station, campaign).volunteer or ""
    visit = station.visit(volunteer)
    assert visit is not None
    place = next(place for place in campaign.communities() if place.street != visit.street)
    moved = station.reassign(visit.id, place.code, "那边缺人")
    assert (moved.street, moved.community, moved.why) == (place.street, place.code, "lead")
    assert types(log()) == [*FIRST, "assigned"]
    assert (log()[4]["community"], log()[4]["reason"], log()[2]["reason"]) == (place.code, "那边缺人", None)
    with pytest.raises(NotPossible):
        station.reassign(visit.id, place.code, "")
    with pytest.raises(KeyError):
        station.reassign(visit.id, "000000000000", "x")
    assert len(log()) == 5


def test_a_revoked_badge(station: Station, campaign: Campaign, clock: FakeClock, log: Log) -> None:
    done = arrive(station, campaign)
    volunteer, code = done.volunteer or "", done.code or ""
    station.revoke_badge(volunteer, "遗失")
    station.revoke_badge(volunteer, "遗失")
    assert types(log()) == [*FIRST, "badge_revoked"]
    assert log()[4]["reason"] == "遗失"
    assert station.recognise(code).refused == "revoked"
    assert station.badge_code(volunteer) is None
    station.check_out(volunteer)
    clock.advance(days=1)
    again = station.check_in_again(volunteer, DAILY)
    assert again.code not in (None, code)
    assert station.recognise(again.code or "").refused is None
    assert station.recognise(code).refused == "revoked", "the old one stays worthless"
    with pytest.raises(NotPossible):
        station.revoke_badge(factories.volunteer_number(99), "x")


def test_unknown_and_foreign_codes(station: Station, campaign: Campaign) -> None:
    code = arrive(station, campaign).code or ""
    assert station.recognise(f" {code.lower()} ").refused is None
    assert "S" in code
    assert station.recognise(code.replace("S", "\u017f", 1)).refused == "malformed"  # its upper case is an S
    assert station.recognise(code[:-1]).refused == "malformed"
    assert station.recognise("A" * len(code)).refused == "malformed"
    assert station.recognise(factories.volunteer_number(99)).refused == "no_such_number"
    assert station.recognise("[/张]").refused == "no_such_number"
    assert station.recognise("").refused == "no_such_number"


def test_an_expired_badge_still_says_who(station: Station, campaign: Campaign, clock: FakeClock, log: Log) -> None:
    first = arrive(station, campaign)
    station.check_out(first.volunteer or "")
    clock.advance(days=181)
    assert station.recognise(first.code or "").person is not None
    again = station.check_in_again(first.volunteer or "", DAILY)
    assert again.code != first.code
    assert types(log())[5:] == [*OPENING, "badge_issued"]


def test_a_registration_that_is_too_old(station: Station, campaign: Campaign, clock: FakeClock, log: Log) -> None:
    volunteer = arrive(station, campaign).volunteer or ""
    station.check_out(volunteer)
    clock.advance(days=367)
    assert station.recognise(volunteer).renewal
    with pytest.raises(NotPossible):
        station.check_in_again(volunteer, DAILY)
    assert station.check_in(application(campaign)).volunteer == volunteer
    assert types(log())[5:] == FIRST


def test_too_old_by_the_next_day(station: Station, campaign: Campaign, clock: FakeClock, log: Log) -> None:
    """Only the day on which somebody grows too old is kept in clear, and only when it is near."""
    who = factories.applicant(born=date(1975, 12, 7))
    volunteer = station.check_in(application(campaign, who)).volunteer or ""
    assert log()[0]["personal"]["ages_out"] == "2021-12-07"
    station.check_out(volunteer)
    clock.advance(days=1)
    assert station.check_in_again(volunteer, DAILY).reasons == ("age_over",)


# --- what stands on the disk ----------------------------------------------------------------------------------------


def test_nothing_personal_stands_in_clear(
    station: Station, campaign: Campaign, station_folder: Path, passphrase: str, clock: FakeClock, log: Log
) -> None:
    people = [
        factories.applicant(number, id_number=factories.id_number(date(1990, 3, 4 + number), order=number))
        for number in range(3)
    ]
    people = [replace(who, born=date(1990, 3, 4 + number)) for number, who in enumerate(people)]
    passport = replace(factories.applicant(8), id_type="passport", id_number="EK7654321", born=date(1991, 7, 19))
    for who in (*people, passport):
        done = station.check_in(application(campaign, who))
        station.start_duty(done.volunteer or "", "order")
        station.check_out(done.volunteer or "")
    secrets = [text for who in (*people, passport) for text in (who.phone, who.id_number, who.born.isoformat())]
    secrets += [f"{who.born:%Y%m%d}" for who in (*people, passport)]
    assert plain.contains(station_folder, *secrets) == []
    assert plain.contains(station_folder, people[0].name) != []  # the search does find what is there
    sealed = [document["personal"]["sealed"] for document in log() if document["type"] == "registered"]
    opened = station.keys.open_sealed(sealed[0], passphrase)
    assert opened == {
        "phone": people[0].phone,
        "id_type": "resident_id",
        "id_number": people[0].id_number,
        "birth_date": "1990-03-04",
    }
    assert plain.contains(station_folder, passphrase) == []
    salts = [document[part]["salt"] for document in log() for part in ("personal", "health") if part in document]
    assert len(salts) == len(set(salts)) == 12


def test_the_log_folds_to_the_same_state(station: Station, campaign: Campaign, clock: FakeClock) -> None:
    for number in range(5):
        volunteer = arrive(station, campaign, number).volunteer or ""
        clock.advance(minutes=7)
        station.start_duty(volunteer, campaign.duties[number].id)
        if number % 2:
            station.check_out(volunteer)
    assert verify(station.folder, "S016001") == []
    assert roster(read_history(station.folder), DAY, clock.now) == station.roster()
    assert len(plain.log(station.folder)) == 1 + 5 * 5 + 2 * 2


def test_one_kiosk_at_a_time(station: Station, station_folder: Path) -> None:
    with pytest.raises(StoreBusy):
        Station(station_folder)


def test_acts_run_in_the_order_of_their_calls(station: Station, campaign: Campaign, clock: FakeClock) -> None:
    async def scan() -> list[str]:
        people = [application(campaign, factories.applicant(number)) for number in (0, 1, 0, 2, 1)]
        done = await asyncio.gather(*(station.run(station.check_in, given) for given in people))
        return [admission.outcome for admission in done]

    assert asyncio.run(scan()) == ["admitted", "admitted", "duplicate", "admitted", "duplicate"]


# --- faults ---------------------------------------------------------------------------------------------------------


class BrokenSync:
    """Makes the n-th fsync from now on fail, once or until it is repaired."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 0
        self.for_good = False
        real = os.fsync

        def fsync(descriptor: int) -> None:
            if self.left:
                self.left -= 1
                if not self.left:
                    self.left = 1 if self.for_good else 0
                    raise OSError(errno.EIO, "injected")
            real(descriptor)

        monkeypatch.setattr(os, "fsync", fsync)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> BrokenSync:
    return BrokenSync(monkeypatch)


@pytest.mark.parametrize("nth", [1, 2])
def test_a_check_in_that_is_tried_again(
    station: Station, campaign: Campaign, broken: BrokenSync, log: Log, nth: int
) -> None:
    """The file cannot be synced (nothing is there), or its folder (all is there): once again, and it is there once."""
    broken.left = nth
    with pytest.raises(NotSaved) as failure:
        station.check_in(application(campaign))
    assert station.roster() == []
    assert len(log()) == (0 if nth == 1 else 4)
    broken.left, broken.for_good = 1, True
    with pytest.raises(NotSaved) as second_failure:
        station.retry(failure.value)
    broken.left, broken.for_good = 0, False
    done = station.retry(second_failure.value)
    assert done.outcome == "admitted"
    assert types(log()) == FIRST
    assert done.ids == tuple(document["id"] for document in log())
    assert [entry.volunteer for entry in station.roster()] == [done.volunteer]
    assert verify(station.folder, "S016001") == []


def test_a_failed_sign_out_is_told_when_it_is_tried_again(
    station: Station, campaign: Campaign, clock: FakeClock, broken: BrokenSync, log: Log
) -> None:
    volunteer = arrive(station, campaign).volunteer or ""
    clock.advance(minutes=30)
    broken.left = 1
    with pytest.raises(NotSaved) as failure:
        station.check_out(volunteer)
    assert station.visit(volunteer) is not None
    clock.advance(minutes=1)
    done = station.retry(failure.value)
    assert (done.minutes, done.visit.checked_out) == (30, datetime(2021, 12, 6, 8, 30, tzinfo=SHANGHAI))
    assert types(log()) == [*FIRST, "checked_out"]
    assert log()[-1]["occurred"] < log()[-1]["at"]


def test_what_reached_the_disk_unacknowledged_shows(
    station: Station, campaign: Campaign, broken: BrokenSync, log: Log
) -> None:
    """The person walks away without trying again; the next act finds the visit, and so does the person's own."""
    broken.left = 2
    with pytest.raises(NotSaved):
        station.check_in(application(campaign))
    assert len(log()) == 4
    arrive(station, campaign, 1)
    assert [entry.name for entry in station.roster()] == list(factories.NAMES[:2])
    assert station.check_in(application(campaign)).outcome == "duplicate"
    assert types(log()) == FIRST * 2


def test_nothing_is_decided_while_the_disk_cannot_be_asked(
    station: Station, campaign: Campaign, broken: BrokenSync, log: Log
) -> None:
    """The same person tries again while it is not known whether they are checked in: they must not be so twice."""
    broken.left = 2
    with pytest.raises(NotSaved):
        station.check_in(application(campaign))
    broken.left = 1  # asking fails this time, and writing would not
    with pytest.raises(NotSaved) as failure:
        station.check_in(application(campaign))
    assert failure.value.drafts == ()
    broken.left = 1
    with pytest.raises(NotSaved) as second_failure:
        station.retry(failure.value)
    done = station.retry(second_failure.value)
    assert done.outcome == "duplicate"
    assert types(log()) == FIRST
    (entry,) = station.roster()
    assert (entry.volunteer, entry.flags) == (done.volunteer, ())
    assert arrive(station, campaign, 1).outcome == "admitted"


def test_what_was_put_off_may_fail_again_and_is_still_done_once(
    station: Station, campaign: Campaign, broken: BrokenSync, log: Log
) -> None:
    """The disk can be asked again, then decides to fail at the write: that failure carries what was decided."""
    volunteer = arrive(station, campaign).volunteer or ""
    broken.left = 1
    with pytest.raises(NotSaved):
        station.start_duty(volunteer, "order")
    broken.left = 1
    with pytest.raises(NotSaved) as put_off:
        station.check_out(volunteer)
    broken.left = 4  # the three folders that are asked, and then the file
    with pytest.raises(NotSaved) as failed:
        station.retry(put_off.value)
    assert [draft.type for draft in failed.value.drafts] == ["checked_out"]
    assert station.retry(failed.value).visit.volunteer == volunteer
    assert types(log()) == [*FIRST, "checked_out"]


def test_a_full_disk_at_start_keeps_nobody_out(
    station_folder: Path, campaign: Campaign, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    (station_folder / "records" / "open.json").write_bytes(b"")
    before = read_settings(station_folder).epoch
    real = os.write
    full = [False]

    def write(descriptor: int, content: bytes) -> int:
        if full[0]:
            raise OSError(errno.ENOSPC, "injected")
        return real(descriptor, content)

    monkeypatch.setattr(os, "write", write)
    real_append = Station._note_opening

    def note(self: Station) -> None:
        full[0] = True
        real_append(self)

    monkeypatch.setattr(Station, "_note_opening", note)
    station = Station(station_folder, clock=clock)
    try:
        with pytest.raises(NotSaved):
            station.check_in(application(campaign))
        full[0] = False
        arrive(station, campaign)
        records = plain.log(station_folder)
        assert types(records) == ["station_noted", *FIRST]
        assert (records[0]["note"], records[0]["details"]["epoch"]) == ("new_epoch", before)
    finally:
        station.close()


@pytest.mark.parametrize("damage", [lambda content: b"", lambda content: content[:-100], lambda content: b"{}"])
def test_a_damaged_log_does_not_stop_the_station(
    station_folder: Path, campaign: Campaign, clock: FakeClock, damage: Callable[[bytes], bytes]
) -> None:
    station = Station(station_folder, clock=clock)
    volunteer = arrive(station, campaign).volunteer or ""
    station.check_out(volunteer)
    station.close()
    clock.advance(days=1)
    station = Station(station_folder, clock=clock)
    arrive(station, campaign, 1)  # seals yesterday
    station.close()
    path = station_folder / "records" / "open.json"
    content = damage(path.read_bytes())
    path.write_bytes(content)
    old = read_settings(station_folder).epoch

    station = Station(station_folder, clock=clock)
    try:
        assert station.set_aside == ["open.json"]
        assert read_settings(station_folder).epoch == station.settings.epoch != old
        first = plain.documents(path)[0]
        assert (first["type"], first["note"], first["seq"]) == ("station_noted", "new_epoch", 1)
        where = {"street": "330102016", "community": "330102016001"}
        assert first["details"] == {"epoch": old, "last_seq": 6, "set_aside": ["open.json"], **where}
        (aside,) = (station_folder / "set-aside").iterdir()
        assert aside.read_bytes() == content
        assert [entry.name for entry in station.roster(DAY)] == [factories.NAMES[0]]
        assert station.check_in_again(volunteer, DAILY).outcome == "admitted"
        assert [finding.file for finding in verify(station_folder, "S016001")] == [f"set-aside/{aside.name}"]
    finally:
        station.close()


def test_damage_while_the_station_runs(
    station: Station, campaign: Campaign, broken: BrokenSync, station_folder: Path
) -> None:
    """A write fails, and then the file cannot be read either: the new epoch's first record says so."""
    old = station.settings.epoch
    broken.left = 1
    with pytest.raises(NotSaved):
        station.check_in(application(campaign))
    (station_folder / "records" / "open.json").write_bytes(b"\0" * 100)
    arrive(station, campaign, 1)
    records = plain.log(station_folder)
    assert types(records) == ["station_noted", *FIRST]
    assert records[0]["details"]["epoch"] == old
    assert read_settings(station_folder).epoch == records[0]["epoch"] != old


@pytest.mark.parametrize("gone", ["records/open.json", "records"])
def test_records_that_are_gone_do_not_stop_the_station(
    station_folder: Path, campaign: Campaign, clock: FakeClock, gone: str
) -> None:
    """Nor are their numbers given again, and the first record of the new epoch says what is missing."""
    station = Station(station_folder, clock=clock)
    arrive(station, campaign)
    old = station.settings.epoch
    station.close()
    path = station_folder / gone
    path.unlink() if path.is_file() else shutil.rmtree(path)
    station = Station(station_folder, clock=clock)
    try:
        assert station.set_aside == ["records"]
        arrive(station, campaign, 1)
        first, *others = plain.log(station_folder)
        details = first["details"]
        assert (details["epoch"], details["last_seq"], details["set_aside"], details["missing"]) == (old, 0, [], 1)
        assert first["epoch"] == read_settings(station_folder).epoch != old
        assert types(others) == FIRST
    finally:
        station.close()


def test_station_json_is_written_once_a_segment(station: Station, campaign: Campaign, clock: FakeClock) -> None:
    path = station.folder / "station.json"
    assert json.loads(path.read_bytes())["segment"] == 1
    before = path.stat().st_ino
    arrive(station, campaign)
    assert path.stat().st_ino == before
    clock.advance(days=1)
    arrive(station, campaign, 1)
    arrive(station, campaign, 2)
    assert read_settings(station.folder).segment == 2
    assert read_settings(station.folder).epoch == station.settings.epoch


def test_a_station_json_of_before_segments_were_noted(
    station_folder: Path, campaign: Campaign, clock: FakeClock
) -> None:
    path = station_folder / "station.json"
    settings = json.loads(path.read_bytes())
    del settings["segment"], settings["sum"]
    path.write_text(json.dumps(settings), encoding="utf-8")
    station = Station(station_folder, clock=clock)
    try:
        arrive(station, campaign)
        assert station.settings.epoch == settings["epoch"]
        assert read_settings(station_folder).segment == 1
    finally:
        station.close()


# --- who may read it ------------------------------------------------------------------------------------------------


def test_a_folder_that_others_can_read_is_closed(station_folder: Path, clock: FakeClock) -> None:
    station_folder.chmod(0o755)
    station = Station(station_folder, clock=clock)
    assert station.was_private is True
    assert station_folder.stat().st_mode & 0o777 == 0o700
    station.close()
    station = Station(station_folder, clock=clock)
    assert station.was_private is None
    station.close()


def test_a_folder_that_cannot_be_closed_is_told(
    station_folder: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    station_folder.chmod(0o755)
    monkeypatch.setattr(Path, "chmod", lambda *_: None)  # as on a stick with FAT
    station = Station(station_folder, clock=clock)
    assert station.was_private is False
    assert WelcomePage(station)._warning().startswith("这台电脑上的其他用户")
    station.close()
