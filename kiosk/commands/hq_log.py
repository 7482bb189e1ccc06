"""`kiosk hq collect`, `stations`, `roster`, `report`, `problems` and `resolve`: what stations have handed in."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from msgspec.structs import asdict

from kiosk import clock
from kiosk.campaign import Campaign, Campaigns
from kiosk.campaign_files import shipped
from kiosk.commands import output
from kiosk.commands.hq import demand_set_up, keys_of, opened
from kiosk.errors import KioskError, WrongUsage
from kiosk.hq import campaigns, problems, reading
from kiosk.hq.collecting import Collected, collect
from kiosk.hq.database import Database
from kiosk.hq.enrolment import enrolled
from kiosk.hq.stays import counted_before
from kiosk.i18n import _
from kiosk.records import service_day
from kiosk.remote import Credentials, check_url
from kiosk.tables import roster_headings, roster_rows


@contextmanager
def asked(folder: Path, options: Namespace) -> Iterator[sa.Connection]:
    """A connection to the database, for whoever only asks."""
    with opened(folder, options) as database:
        demand_set_up(database)
        with database.begin() as connection:
            yield connection


def names(database: Database) -> Campaign:
    """What gives places and duties their names: the campaign in force, of those published or else the shipped one.

    Raises:
        WrongUsage: if it is no database of headquarters'.
    """
    demand_set_up(database)
    known = campaigns.published(database)
    return Campaigns(tuple(known or [shipped()])).on(service_day(clock.system_clock()))


# --- collecting -----------------------------------------------------------------------------------------------------


def run_collect(folder: Path, options: Namespace) -> int:
    """Takes in what is new at all places. Exits 1 where something could not be accepted, or a place not be read."""
    credentials, now = Credentials.find(folder), clock.system_clock()
    rows, wrong = [], False
    with opened(folder, options) as database:
        keys = keys_of(database, options)
        for url in options.urls:
            if not url.strip():
                raise WrongUsage(_("a file or folder without a name"))
            if "://" in url and not url.startswith("file://"):
                check_url(url)
        for url in options.urls:
            try:
                found = collect(database, keys, url, credentials, now)
            except WrongUsage:
                raise
            except KioskError as error:  # one place that is not there does not keep the others out
                print(error, file=sys.stderr)
                wrong = True
                continue
            rows.append(_collected_row(found))
            wrong |= _tell_collected(found)
        output.emit(rows, _collected_headings(), options.format)
    return 1 if wrong else 0


def _collected_row(found: Collected) -> dict[str, Any]:
    return {
        "url": found.url,
        "stations": found.stations,
        "segments": found.segments,
        "records": found.records,
        "refused": len(found.refused),
    }


def _collected_headings() -> dict[str, str]:
    return {
        "url": _("Place"),
        "stations": _("Stations with news"),
        "segments": _("New segments"),
        "records": _("New records"),
        "refused": _("Not accepted"),
    }


def _tell_collected(found: Collected) -> bool:
    """Names what was wrong on stderr; returns whether something could not be accepted."""
    sys.stdout.flush()
    for said in (*found.refused, *found.problems):
        print(output.printable(said), file=sys.stderr)
    for station in found.forks:
        sentence = _("Station {station}: there are two logs, and one of them does not count. See: kiosk hq problems")
        print(sentence.format(station=station), file=sys.stderr)
    for station in found.unsigned:
        sentence = _("Station {station}: taken in from plain files, which nobody has signed.")
        print(sentence.format(station=station), file=sys.stderr)
    return bool(found.refused or found.forks)


# --- asking ---------------------------------------------------------------------------------------------------------


def run_stations(folder: Path, options: Namespace) -> int:
    """Prints every epoch of every station: how far it reaches and what of it is missing."""
    with asked(folder, options) as connection:
        rows = list(enrolled(connection))
    headings = {
        "station": _("Station"),
        "epoch": _("Epoch"),
        "last_seq": _("Last record"),
        "missing": _("Missing records"),
        "last_seen": _("Last seen"),
        "enrolled": _("Enrolled"),
    }
    output.emit(rows, headings, options.format)
    return 0


def run_roster(folder: Path, options: Namespace) -> int:
    """Prints the people of a day at every station, at one, or in one community."""
    now = clock.system_clock()
    with opened(folder, options) as database:
        campaign = names(database)
        with database.begin() as connection:
            which = _which(connection, campaign, options)
            entries = list(reading.roster_of(connection, now, options.day or service_day(now), **which))
    form = {"table": "words", "csv": "codes", "json": "zh"}[options.format]
    rows = roster_rows((entry for _where, entry in entries), campaign, form=form)
    told = [{"station": where.station, **row} for (where, _entry), row in zip(entries, rows, strict=True)]
    output.emit(told, {"station": _("Station"), **roster_headings()}, options.format)
    return 0


def _which(connection: sa.Connection, campaign: Campaign, options: Namespace) -> dict[str, str | None]:
    """Which stations are meant.

    Raises:
        WrongUsage: if there is no such station or community: an empty answer would look as if nobody had come.
    """
    if options.station is not None and not reading.all_stations(connection, station=options.station):
        raise WrongUsage(_("Nothing of station {station} was collected yet.").format(station=options.station))
    return {"station": options.station, "community": community_code(campaign, options.community)}


def community_code(campaign: Campaign, named: str | None) -> str | None:
    """The code of a community that is named by its code or its name.

    Raises:
        WrongUsage: if there is no such community, or more than one.
    """
    if named is None or named.isdigit():
        return named
    found = campaign.community(named)
    if found is None:
        raise WrongUsage(_("There is no community {name}, or more than one: give its code.").format(name=named))
    return found.code


def run_report(folder: Path, options: Namespace) -> int:
    """Prints the days of all stations; with `--needs`, what every post wanted and who came."""
    now = clock.system_clock()
    with opened(folder, options) as database:
        campaign = names(database)
        with database.begin() as connection:
            which = _which(connection, campaign, options)
            if options.needs:
                day = options.day or service_day(now)
                return _print_needs(reading.needs(connection, campaigns.published(database), day, **which), options)
            doubtful = problems.doubtful(connection)
            elsewhere = counted_before(connection, now, day=options.day)
            days = list(reading.report(connection, now, doubtful, elsewhere, day=options.day, **which))
    rows = [_day_row(asdict(day), campaign) for day in days]
    headings = {
        "day": _("Day"),
        "street": _("Street"),
        "community": _("Community"),
        "station": _("Station"),
        "people": _("People"),
        "check_ins": _("Check-ins"),
        "minutes": _("Minutes"),
        "refused": _("Refused"),
        "pending_check_out": _("No sign-out"),
        "duplicates": _("Perhaps twice"),
    }
    output.emit(rows, headings, options.format)
    return 0


def _day_row(row: dict[str, Any], campaign: Campaign) -> dict[str, Any]:
    places = {key: campaign.name_of(row[key]) if row[key] else None for key in ("street", "community")}
    return {**row, **places}


def _print_needs(needs: Iterable[reading.Need], options: Namespace) -> int:
    headings = {
        "day": _("Day"),
        "post": _("Post"),
        "duty": _("Duty"),
        "community": _("Community"),
        "place": _("Place"),
        "wanted": _("Wanted"),
        "arrived": _("Arrived"),
        "missing": _("Still wanted"),
    }
    output.emit([asdict(need) for need in needs], headings, options.format)
    return 0


def run_problems(folder: Path, options: Namespace) -> int:
    """Prints what a person has to look at; exits 1 while there is anything."""
    with opened(folder, options) as database:
        keys = keys_of(database, options)
        with database.begin() as connection:
            opener = keys.open_sealed if keys.opens_numbers else None
            found = problems.problems(connection, opener, decided=options.all)
            decided = problems.decided_about(connection)
    rows = [problem_row(problem) for problem in found]
    output.emit(rows, {"station": _("Station"), "kind": _("Kind"), "detail": _("What is wrong")}, options.format)
    return 1 if any(problem.name not in decided for problem in found) else 0


def problem_row(problem: problems.Problem) -> dict[str, str]:
    """A problem as it is printed; its name, by which it is resolved, stands before what is wrong."""
    return {"station": problem.station, "kind": problem.kind, "detail": f"[{problem.name}] {problem.detail}"}


def run_resolve(folder: Path, options: Namespace) -> int:
    """Writes down what somebody has decided about a problem, and prints it."""
    now = clock.system_clock()
    with opened(folder, options) as database:
        keys = keys_of(database, options)
        with database.alone(), database.begin() as connection:
            opener = keys.open_sealed if keys.opens_numbers else None
            problem = problems.resolve(connection, options.problem, options.decision, options.reason, now, opener)
    row = {**problem_row(problem), "decision": options.decision}
    headings = {
        "station": _("Station"),
        "kind": _("Kind"),
        "detail": _("What is wrong"),
        "decision": _("Decision"),
    }
    output.emit([row], headings, options.format)
    return 0
