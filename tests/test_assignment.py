"""Where a volunteer is sent: the order of preference, its reason each, posts that are full, windows that are over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from kiosk.assignment import WHY, Assignment, assign
from kiosk.campaign import Campaign
from kiosk.campaign_files import shipped
from tests.factories import at, campaign_with_posts

OWN = "330102001051"  # 清波门
NEIGHBOUR = "330102001052"  # 劳动路, the same street
STATION = "330102016001"
FAR = "330102018001"
FARTHER = "330102004051"


def four(**changes: dict[str, object]) -> Campaign:
    """A post in each place, the far ones shortest of all."""
    posts: list[dict[str, object]] = [
        {"id": "far", "community": FAR, "wanted": 9},
        {"id": "station", "community": STATION, "wanted": 3},
        {"id": "street", "community": NEIGHBOUR, "wanted": 2},
        {"id": "own", "community": OWN, "wanted": 1},
    ]
    return campaign_with_posts(*({**post, **changes.get(str(post["id"]), {})} for post in posts))


def place(
    campaign: Campaign,
    filled: Mapping[str, int] = {},
    *,
    now: datetime = at("09:00"),  # noqa: B008 - the same for all
    street: str | None = OWN[:9],
    community: str | None = OWN,
) -> Assignment:
    """Where somebody who lives in `OWN` is sent."""
    return assign(campaign, street=street, community=community, station_community=STATION, filled=filled, now=now)


def test_every_reason_has_a_sentence():
    assert set(WHY) >= {"post_own_community", "post_own_street", "post_station", "post_elsewhere"}
    assert set(WHY) >= {"home_community", "home_street", "station", "lead"}
    assert all(WHY.values())


@pytest.mark.parametrize(
    ("filled", "post", "why"),
    [
        ({}, "own", "post_own_community"),
        ({"own": 1}, "street", "post_own_street"),
        ({"own": 1, "street": 1}, "street", "post_own_street"),
        ({"own": 1, "street": 2}, "station", "post_station"),
        ({"own": 1, "street": 2, "station": 3}, "far", "post_elsewhere"),
        ({"own": 5, "street": 5, "station": 5}, "far", "post_elsewhere"),
    ],
)
def test_the_nearest_need_comes_first(filled, post, why):
    campaign = four()
    found = place(campaign, filled)
    wanted = campaign.post(post)
    assert wanted is not None
    assert found == Assignment(wanted.street, wanted.community, post, why)
    assert found.why in WHY


def test_elsewhere_the_largest_shortage_decides():
    campaign = campaign_with_posts(
        {"id": "big", "community": FAR, "wanted": 9}, {"id": "short", "community": FARTHER, "wanted": 4}
    )
    assert place(campaign, {"big": 4}).post == "big"  # 5 missing against 4
    assert place(campaign, {"big": 6}).post == "short"  # 3 missing against 4
    assert place(campaign, {"big": 5}).post == "big"  # the same: the campaign's order
    assert place(campaign, {"big": 9}).post == "short"


@pytest.mark.parametrize(("filled", "post"), [({}, "two"), ({"two": 2}, "one"), ({"one": 1, "two": 2}, "one")])
def test_within_one_community_too(filled, post):
    campaign = campaign_with_posts(
        {"id": "one", "community": OWN, "wanted": 3}, {"id": "two", "community": OWN, "wanted": 4}
    )
    assert place(campaign, filled).post == post


def test_full_posts_send_nobody():
    full = {"own": 1, "street": 2, "station": 3, "far": 9}
    found = place(four(), full)
    assert found == Assignment(OWN[:9], OWN, None, "home_community")
    assert place(four(), full, street=None, community=None).why == "station"


@pytest.mark.parametrize(
    ("clock", "post"),
    [("07:00", "own"), ("08:00", "own"), ("11:59", "own"), ("12:00", "street"), ("12:01", "street"), ("23:00", None)],
)
def test_a_window_that_is_over_is_passed_by(clock, post):
    campaign = four(own={"until": "12:00"})
    assert place(campaign, now=at(clock)).post == post


@pytest.mark.parametrize("clock", ["01:00", "06:00", "12:00", "21:00", "23:59"])
def test_a_window_over_midnight_is_open_all_day(clock):
    assert place(four(own={"from": "20:00", "until": "06:00"}), now=at(clock)).post == "own"


def test_windows_are_read_in_shanghai():
    campaign = four(own={"until": "12:00"})
    assert place(campaign, now=datetime(2026, 11, 23, 3, 59, tzinfo=UTC)).post == "own"
    assert place(campaign, now=datetime(2026, 11, 23, 4, 0, tzinfo=UTC)).post == "street"


def test_whose_home_is_not_known_serves_at_the_station():
    found = place(four(), street=None, community=None)
    assert (found.post, found.why) == ("station", "post_station")
    assert (found.street, found.community) == (STATION[:9], STATION)


def test_only_the_street_known():
    assert (place(four(), community=None).post, place(four(), community=None).why) == ("street", "post_own_street")


@pytest.mark.parametrize(
    ("street", "community", "wanted"),
    [
        (OWN[:9], OWN, Assignment(OWN[:9], OWN, None, "home_community")),
        (OWN[:9], None, Assignment(OWN[:9], None, None, "home_street")),
        (None, None, Assignment(STATION[:9], STATION, None, "station")),
    ],
)
def test_without_posts_home_decides_then_the_station(street, community, wanted):
    assert place(shipped(), street=street, community=community) == wanted


def test_the_contact_is_the_street_s_or_the_association_s():
    campaign = shipped()
    assert campaign.contact_for("330102003").street == "330102003"
    assert campaign.contact_for("330102999") == campaign.association
    assert campaign.association.street is None
