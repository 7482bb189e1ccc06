"""What changes while people keep coming: the campaign, its clauses, its dates, and the clock of the machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kiosk.arriving import Admission
from kiosk.campaign import Campaigns
from kiosk.campaign_files import load_campaigns, parse
from kiosk.errors import CampaignError, NotPossible
from kiosk.records import digest, service_day
from kiosk.rules import Application, Stay
from kiosk.station import Station
from tests import factories, plain
from tests.conftest import seeded

if TYPE_CHECKING:
    from tests.conftest import FakeClock

Change = Callable[[dict[str, Any]], None]
Publish = Callable[..., None]


@pytest.fixture
def publish(station_folder: Path) -> Publish:
    """Puts another campaign into the station's folder: the shipped one under other names, changed."""

    def put(
        name: str, version: int, first: str, last: str | None = None, change: Change = lambda campaign: None
    ) -> None:
        source = factories.campaign_source()
        source["campaign"] |= {"id": name, "version": version, "from": first, "until": last}
        change(source["campaign"])
        path = station_folder / "campaign" / f"{name}-{version}.json"
        path.write_text(json.dumps(source), encoding="utf-8")

    return put


@pytest.fixture
def reopened(station_folder: Path, clock: FakeClock) -> Callable[[], Station]:
    return lambda: Station(station_folder, clock=clock, entropy=seeded(3))


def clause(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda campaign: next(found for found in campaign["clauses"] if found["id"] == name)


def come(station: Station, number: int = 0, *, stay: Stay | None = None, **changes: Any) -> Admission:
    day = service_day(stay.arrived) if stay and stay.arrived else station.today()
    answers = factories.answers(station.campaigns.on(day), day)
    return station.check_in(Application(factories.applicant(number, **changes), answers, True, stay or Stay()))


def come_again(station: Station, number: str) -> Admission:
    return station.check_in_again(number, factories.answers(station.campaign, station.today()))


# --- which campaign counts ------------------------------------------------------------------------------------------


def test_the_newest_of_those_in_force_counts() -> None:
    def made(name: str, version: int, first: str, last: str | None = None) -> Any:
        source = factories.campaign_source()
        source["campaign"] |= {"id": name, "version": version, "from": first, "until": last}
        return parse(source)

    always, march = made("ALWAYS", 1, "2021-12-01"), made("MARCH", 1, "2022-03-01", "2022-03-31")
    newer = made("ALWAYS", 2, "2021-12-01")
    campaigns = Campaigns((march, newer, always))
    assert campaigns.on(date(2022, 2, 28)) is newer
    assert campaigns.on(date(2022, 3, 1)) is march
    assert campaigns.on(date(2022, 3, 31)) is march
    assert campaigns.on(date(2022, 4, 1)) is newer
    assert campaigns.on(date(2021, 11, 30)) is march  # none has begun
    assert campaigns.of("ALWAYS", 1) is always
    assert campaigns.of("ALWAYS", 3) is None


def test_the_highest_version_alone_says_when_a_campaign_ends() -> None:
    def made(version: int, first: str, last: str | None = None, name: str = "SC2021") -> Any:
        source = factories.campaign_source()
        source["campaign"] |= {"id": name, "version": version, "from": first, "until": last}
        return parse(source)

    endless, newer = made(1, "2021-12-01"), made(2, "2022-01-10")
    ending = made(3, "2021-12-01", "2022-01-31")
    campaigns = Campaigns((endless, newer, ending))
    assert campaigns.on(date(2022, 1, 31)).in_force(date(2022, 1, 31))
    after = campaigns.on(date(2022, 2, 1))
    assert after is ending, "not one of those that would still hold by their own dates"
    assert not after.in_force(date(2022, 2, 1))
    assert [campaigns.has_ended("SC2021", date(2022, month, 31)) for month in (1, 3)] == [False, True]
    other = made(1, "2021-12-01", name="OTHER")
    assert Campaigns((endless, newer, ending, other)).on(date(2022, 2, 1)) is other
    # A version for later days does not end the one of today, and ends it once it is over itself.
    later = made(2, "2022-03-01", "2022-03-31")
    coming = Campaigns((endless, later))
    assert coming.on(date(2022, 2, 1)) is endless
    assert coming.on(date(2022, 3, 1)) is later
    assert coming.on(date(2022, 4, 1)) is later


def test_nobody_is_admitted_while_no_campaign_runs(station: Station, clock: FakeClock, publish: Publish) -> None:
    clock.set("2021-11-30 09:00")
    with pytest.raises(NotPossible, match="2021-11-30"):
        come(station)
    assert len(plain.log(station.folder)) == 1


def test_a_campaign_ends_at_midnight_while_the_kiosk_runs(
    station: Station, clock: FakeClock, publish: Publish, reopened: Callable[[], Station]
) -> None:
    station.close()
    (station.folder / "campaign" / "SC2021-1.json").unlink()
    publish("WINTER", 1, "2021-12-01", "2022-02-28")
    publish("SPRING", 1, "2022-03-01", None, lambda campaign: clause("age")(campaign).update(min=30))
    station = reopened()
    clock.set("2022-02-28 22:00")
    young = come(station, born=date(1998, 1, 1))
    assert young.outcome == "admitted"
    clock.set("2022-03-01 08:00")
    assert come(station, 1, born=date(1998, 1, 1)).reasons == ("age_under",)
    assert come(station, 2, born=date(1990, 1, 1)).outcome == "admitted"
    names = [document["campaign"] for document in plain.log(station.folder)]
    assert names[-1] == "SPRING"
    assert names[1] == "WINTER"
    station.close()


def test_a_sheet_of_a_day_before_is_held_against_the_campaign_of_that_day(
    station: Station, clock: FakeClock, publish: Publish, reopened: Callable[[], Station]
) -> None:
    station.close()
    publish("SPRING", 1, "2022-03-01", None, lambda campaign: clause("age")(campaign).update(min=30))
    station = reopened()
    clock.set("2022-03-02 08:00")
    arrived, left = (factories.at(hour, date(2022, 2, 28)) for hour in ("09:00", "12:00"))
    assert come(station, born=date(1998, 1, 1), stay=Stay("import", arrived, left)).outcome == "admitted"
    assert {document["campaign"] for document in plain.log(station.folder)[1:]} == {"SC2021"}
    station.close()


def test_an_imported_row_agrees_to_the_texts_of_its_day(
    station: Station, clock: FakeClock, publish: Publish, reopened: Callable[[], Station]
) -> None:
    def reword(campaign: dict[str, Any]) -> None:
        campaign["consents"][1].update(version=2, text={"zh": "另一段文字", "en": "Another text"})

    station.close()
    publish("SC2021", 2, "2022-03-01", None, reword)
    station = reopened()
    clock.set("2022-03-02 08:00")
    for number, day in enumerate((date(2022, 2, 28), date(2022, 3, 1))):
        stay = Stay("import", factories.at("09:00", day), factories.at("12:00", day))
        assert come(station, number, stay=stay).outcome == "admitted"
    before, after = (d["agreed"] for d in plain.log(station.folder) if d["type"] == "registered")
    assert [(each["text"], each["version"]) for each in before] == [("notice", 1), ("health", 1), ("pledge", 1)]
    assert [(each["text"], each["version"]) for each in after] == [("notice", 1), ("health", 2), ("pledge", 1)]
    assert after[1]["hash"] == digest({"zh": "另一段文字", "en": "Another text"}) != before[1]["hash"]
    station.close()


def test_a_damaged_campaign_closes_no_station_that_has_another(station_folder: Path, publish: Publish) -> None:
    (station_folder / "campaign" / "AAA-1.json").write_text("{", encoding="utf-8")
    campaigns = load_campaigns(station_folder)
    assert [campaign.id for campaign in campaigns.known] == ["SC2021"]
    assert len(campaigns.damaged) == 1
    assert "AAA-1.json" in campaigns.damaged[0]
    (station_folder / "campaign" / "SC2021-1.json").write_text("{", encoding="utf-8")
    with pytest.raises(CampaignError):
        load_campaigns(station_folder)


# --- who is known, under other clauses ------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [{"max": 40}, {"min": 20}, {"age_mode": "day_after"}])
def test_another_age_limit_asks_for_the_birth_date_again(
    station: Station, clock: FakeClock, publish: Publish, reopened: Callable[[], Station], change: dict[str, Any]
) -> None:
    """The birth date is sealed, so only the person can say how old they are."""
    admitted = come(station)
    assert admitted.volunteer is not None
    station.check_out(admitted.volunteer)
    station.close()
    publish("SC2021", 2, "2021-12-01", None, lambda campaign: clause("age")(campaign).update(change))
    station = reopened()
    clock.advance(days=1)
    assert station.recognise(admitted.volunteer).renewal
    with pytest.raises(NotPossible):
        come_again(station, admitted.volunteer)
    again = come(station)
    assert (again.outcome, again.volunteer) == ("admitted", admitted.volunteer)
    assert not station.recognise(admitted.volunteer).renewal
    station.close()


def test_a_new_version_of_the_pledge_is_asked_once_more_and_kept(
    station: Station, clock: FakeClock, publish: Publish, reopened: Callable[[], Station]
) -> None:
    number = come(station).volunteer
    assert number is not None
    station.check_out(number)
    station.close()
    publish("SC2021", 2, "2021-12-01", None, lambda campaign: clause("pledge")(campaign).update(version=2))
    station = reopened()
    clock.advance(days=1)
    person = station.recognise(number).person
    assert person is not None
    assert "pledge" not in person.known
    assert "vaccinated" in person.known
    refused = station.check_in_again(number, {"health_code": "green", "travel_code": "green", "pledge": "no"})
    assert refused.reasons == ("pledge_not_made",)
    assert come_again(station, number).outcome == "admitted"
    arrived = next(document for document in reversed(plain.log(station.folder)) if document["type"] == "checked_in")
    assert [(item["text"], item["version"]) for item in arrived["agreed"]] == [("pledge", 2)]
    assert arrived["answers"]["pledge"] == "met"
    station.check_out(number)
    clock.advance(days=1)
    person = station.recognise(number).person
    assert person is not None
    assert "pledge" in person.known
    station.close()


def test_a_clause_that_is_new_is_asked_once_and_its_answer_kept_apart(
    station: Station, clock: FakeClock, publish: Publish, reopened: Callable[[], Station]
) -> None:
    def add(campaign: dict[str, Any]) -> None:
        booster = json.loads(json.dumps(clause("vaccinated")(campaign)))
        booster |= {"id": "booster", "reasons": [{**booster["reasons"][0], "code": "no_booster"}]}
        campaign["clauses"].append(booster)

    number = come(station).volunteer
    assert number is not None
    station.check_out(number)
    station.close()
    publish("SC2021", 2, "2021-12-01", None, add)
    station = reopened()
    clock.advance(days=1)
    assert come_again(station, number).outcome == "admitted"
    arrived = next(document for document in reversed(plain.log(station.folder)) if document["type"] == "checked_in")
    assert arrived["health"]["answers"] == {"health_code": "met", "travel_code": "met", "booster": "met"}
    person = station.recognise(number).person
    assert person is not None
    assert "booster" in person.known
    station.close()


def test_a_badge_of_the_campaign_before_is_made_anew(
    station: Station, clock: FakeClock, publish: Publish, reopened: Callable[[], Station]
) -> None:
    before = come(station)
    assert before.volunteer is not None
    station.check_out(before.volunteer)
    station.close()
    publish("SC2022", 1, "2021-12-07")
    station = reopened()
    clock.set("2021-12-07 09:00")
    again = come_again(station, before.volunteer)
    assert again.code != before.code
    assert again.code is not None
    assert station.recognise(again.code).refused is None
    station.close()


def test_a_revoked_badge_stays_revoked_when_it_has_run_out(station: Station, clock: FakeClock) -> None:
    admitted = come(station)
    assert admitted.volunteer is not None
    assert admitted.code is not None
    station.revoke_badge(admitted.volunteer, "遗失")
    clock.advance(days=200)
    assert station.recognise(admitted.code).refused == "revoked"


def test_an_older_sheet_does_not_replace_a_newer_registration(station: Station, clock: FakeClock) -> None:
    clock.set("2021-12-20 09:00")
    new = come(station, street="330102016", community="330102016003")
    arrived, left = (factories.at(hour, date(2021, 12, 5)) for hour in ("09:00", "12:00"))
    old = come(station, street="330102001", community="330102001051", stay=Stay("import", arrived, left))
    assert old.volunteer == new.volunteer
    assert new.volunteer is not None
    person = station.history.people[new.volunteer]
    assert (person.community, person.registered) == ("330102016003", date(2021, 12, 20))


# --- clocks and days ------------------------------------------------------------------------------------------------


def test_a_visit_in_the_days_to_come_keeps_nobody_out_today(station: Station, clock: FakeClock) -> None:
    """The clock ran a year ahead for a while."""
    clock.set("2022-12-06 09:00")
    number = come(station).volunteer
    assert number is not None
    clock.advance(hours=1)
    station.check_out(number)
    clock.set("2021-12-07 09:00")
    assert come_again(station, number).outcome == "admitted"
    station.check_out(number)
    clock.advance(days=1)
    assert come(station).outcome == "admitted"


def test_an_open_row_of_an_earlier_day_reaches_no_further_than_it_would_be_pending(station: Station) -> None:
    day = date(2021, 12, 2)
    later = Stay(
        "import", factories.at("08:00", day + timedelta(days=2)), factories.at("11:00", day + timedelta(days=2))
    )
    earlier = Stay("import", factories.at("08:00", day))
    assert come(station, stay=later).outcome == "admitted"
    assert come(station, stay=earlier).outcome == "admitted"
    assert come(station, stay=Stay("import", factories.at("18:00", day))).outcome == "duplicate"


def test_posts_are_filled_as_of_the_time_of_the_sheet(
    station: Station, clock: FakeClock, publish: Publish, reopened: Callable[[], Station]
) -> None:
    posts = [
        {"id": name, "duty": "order", "street": "330102016", "community": "330102016001", "wanted": 1, "from": "08:00"}
        | {"until": "20:00", "place": {"zh": "东门", "en": "Gate"}}
        for name in ("P1", "P2")
    ]
    station.close()
    publish("SC2021", 2, "2021-12-01", None, lambda campaign: campaign.update(posts=posts))
    station = reopened()
    clock.set("2021-12-07 09:00")
    day = date(2021, 12, 6)
    stays = [Stay("import", factories.at("09:00", day), factories.at("12:00", day)) for _ in range(3)]
    placed = [come(station, number, stay=stay).assignment for number, stay in enumerate(stays)]
    assert [place.post for place in placed if place] == ["P1", "P2", None]
    after = come(station, 3, stay=Stay("import", factories.at("12:00", day), factories.at("13:00", day))).assignment
    assert after is not None
    assert after.post == "P1"
    station.close()
