"""Headquarters' campaigns: checked, published once and for all under their version, and told to every station."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from kiosk.campaign import Campaign
from kiosk.campaign_files import parse, sign_campaigns
from kiosk.canonical import canonical
from kiosk.errors import CampaignError
from kiosk.hq.database import Database, campaigns
from kiosk.i18n import _
from kiosk.records import timestamp


def published(database: Database) -> list[Campaign]:
    """All campaigns that were published, the oldest first."""
    with database.begin() as connection:
        wanted = sa.select(campaigns.c.source).order_by(
            campaigns.c.published, campaigns.c.campaign, campaigns.c.version
        )
        return [parse(json.loads(source)) for source in connection.scalars(wanted)]


def publish(database: Database, campaign: Campaign, now: datetime) -> bool:
    """Publishes a campaign; every place that is collected from then on has it for the stations.

    Returns:
        Whether it is new: the same once more changes nothing.

    Raises:
        CampaignError: if another one was published under that version, or a newer one.
    """
    source = canonical(campaign.source).decode()
    with database.begin() as connection:
        same = campaigns.c.campaign == campaign.id
        newest = connection.execute(
            sa.select(campaigns.c.version, campaigns.c.source).where(same).order_by(campaigns.c.version.desc()).limit(1)
        ).first()
        if newest is not None and (newest.version, newest.source) == (campaign.version, source):
            return False
        if newest is not None and newest.version >= campaign.version:
            sentence = _("Version {version} of {name} was published already. Please give the new one a higher number.")
            said = sentence.format(version=newest.version, name=campaign.id)
            raise CampaignError(said, file="campaign.json", entry=campaign.id, field="version")
        row = {"campaign": campaign.id, "version": campaign.version, "source": source, "published": timestamp(now)}
        connection.execute(campaigns.insert(), row)
    return True


def document(database: Database, sign: Callable[[bytes], bytes]) -> bytes | None:
    """All published campaigns as the document that stations take in; None while there is none."""
    known = published(database)
    return sign_campaigns(known, len(known), sign) if known else None
