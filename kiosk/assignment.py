"""Where a volunteer serves: the campaign's needs decide, and the answer says why.

Pure: volunteer, campaign and the day's filled posts in; street, community, post and the reason out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct

from kiosk.campaign import Campaign, Post
from kiosk.i18n import N_
from kiosk.records import SHANGHAI

WHY: Final[Mapping[str, str]] = {
    "post_own_community": N_("Your own community is short of people."),
    "post_own_street": N_("Your own street is short of people."),
    "post_station": N_("This station is short of people."),
    "post_elsewhere": N_("The district needs people most here."),
    "home_community": N_("This is where you live or work."),
    "home_street": N_("This is the street where you live or work."),
    "station": N_("You serve at this station."),
    "lead": N_("The site lead has decided so."),
}
"""Why an assignment was made, by code."""


class Assignment(Struct, frozen=True):
    """Street and community codes, the post if there is one, and the code of the reason."""

    street: str
    community: str | None
    post: str | None
    why: str


def _open_now(post: Post, now: datetime) -> bool:
    clock = now.astimezone(SHANGHAI).time()
    # A window over midnight is never past on its day.
    return post.ends <= post.starts or clock < post.ends


def assign(
    campaign: Campaign,
    *,
    street: str | None,
    community: str | None,
    station_community: str,
    filled: Mapping[str, int],
    now: datetime,
) -> Assignment:
    """The place that needs the volunteer most, beginning at their own door.

    Args:
        campaign: whose posts count.
        street: the code of the street that they live or work in, if known.
        community: the code of the community, if known.
        station_community: the code of the station's community.
        filled: how many people each post has today, by post id.
        now: the time (aware); posts whose window is over are passed by.
    """
    short = {post: post.wanted - filled.get(post.id, 0) for post in campaign.posts if _open_now(post, now)}
    wanting = [post for post, missing in short.items() if missing > 0]
    for why, near in (
        ("post_own_community", [post for post in wanting if post.community == community]),
        ("post_own_street", [post for post in wanting if post.street == street]),
        ("post_station", [post for post in wanting if post.community == station_community]),
        ("post_elsewhere", wanting),
    ):
        if near:
            post = max(near, key=lambda candidate: short[candidate])
            return Assignment(post.street, post.community, post.id, why)
    if community is not None:
        return Assignment(community[:9], community, None, "home_community")
    if street is not None:
        return Assignment(street, None, None, "home_street")
    return Assignment(station_community[:9], station_community, None, "station")
