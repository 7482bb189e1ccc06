"""`kiosk hq campaign ...`: a campaign as a file to be edited, its posts, the check, and publishing it."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from kiosk import clock
from kiosk.campaign import Campaign
from kiosk.campaign_files import parse, read_bundle
from kiosk.commands import output
from kiosk.commands.hq import keys_of, opened
from kiosk.commands.hq_log import names
from kiosk.durable import write_beside
from kiosk.errors import CampaignError, WrongUsage
from kiosk.hq import campaigns
from kiosk.i18n import _


def run_show(folder: Path, options: Namespace) -> int:
    """Prints the campaign in force, or writes it to a file, under the next version, to be edited."""
    with opened(folder, options) as database:
        campaign = names(database)
        known = [each.version for each in campaigns.published(database) if each.id == campaign.id]
    if options.out is None:
        return _print(campaign, options)
    source = json.loads(json.dumps(dict(campaign.source)))
    if options.out.exists():
        raise WrongUsage(_("There is {file} already.").format(file=options.out))
    source["campaign"]["version"] = max([*known, campaign.version]) + 1 if known else campaign.version + 1
    _write(options.out, source)
    return 0


def run_check(folder: Path, options: Namespace) -> int:
    """Checks a campaign file; what is wrong is named by file, entry and field."""
    return _print(read_bundle(options.file, unchanged=False), options)


def run_post(folder: Path, options: Namespace) -> int:
    """Adds a post to a campaign file, changes one, or takes it out."""
    source: dict[str, Any] = json.loads(json.dumps(dict(read_bundle(options.file, unchanged=False).source)))
    posts: list[dict[str, Any]] = source["campaign"].setdefault("posts", [])
    before = next((post for post in posts if post.get("id") == options.post), None)
    if options.remove:
        if before is None:
            raise WrongUsage(_("There is no post {post}.").format(post=options.post))
        posts.remove(before)
    else:
        told = {"duty": options.duty, "community": options.community, "wanted": options.wanted}
        told |= {"from": options.starts, "until": options.ends}
        told |= {"place": {"zh": options.place, "en": options.place} if options.place else None}
        post = {**(before or {"id": options.post}), **{key: value for key, value in told.items() if value is not None}}
        if before is None:
            posts.append(post)
        else:
            posts[posts.index(before)] = post
    campaign = parse(source)  # nothing that is wrong is written
    _write(options.file, source)
    return _print(campaign, options)


def run_publish(folder: Path, options: Namespace) -> int:
    """Publishes a campaign file: it is signed and laid wherever is collected from, for all stations to take in."""
    campaign = read_bundle(options.file, unchanged=False)
    with opened(folder, options) as database:
        keys_of(database, options)
        try:
            campaigns.publish(database, campaign, clock.system_clock())
        except CampaignError as error:
            raise WrongUsage(str(error)) from error
    return _print(campaign, options)


def _write(path: Path, source: dict[str, Any]) -> None:
    source.pop("sum", None)
    write_beside(path, json.dumps(source, ensure_ascii=False, indent=1).encode("utf-8"))


def _print(campaign: Campaign, options: Namespace) -> int:
    row = {
        "campaign": campaign.id,
        "version": campaign.version,
        "name": str(campaign.name),
        "first": campaign.first,
        "last": campaign.last,
        "posts": len(campaign.posts),
        "wanted": sum(post.wanted for post in campaign.posts),
    }
    headings = {
        "campaign": _("Campaign"),
        "version": _("Version"),
        "name": _("Name"),
        "first": _("From"),
        "last": _("To"),
        "posts": _("Posts"),
        "wanted": _("Wanted"),
    }
    output.emit([row], headings, options.format)
    return 0
