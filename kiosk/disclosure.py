"""What a volunteer has a right to see (PIPL, article 45): all that the station holds about them, in plain words.

Functions of the log so far and of what was sealed; they show and write nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from kiosk.campaign import Campaign
from kiosk.i18n import _
from kiosk.records import Record
from kiosk.roster import History
from kiosk.rules import ID_TYPES
from kiosk.telling import moment_in_words, place_in_words, tell


class Section(Struct, frozen=True):
    """A heading, and what stands under it."""

    heading: str
    lines: tuple[str, ...]


def disclose(
    history: History, volunteer: str, campaign: Campaign, sealed: Mapping[str, str], now: datetime
) -> list[Section]:
    """Everything about one volunteer.

    Args:
        history: the log so far.
        volunteer: the volunteer number.
        campaign: gives the names of texts, duties and places.
        sealed: what the lead's passphrase has opened: `phone`, `id_type`, `id_number`, `birth_date`.
        now: the moment of asking (aware).
    """
    about = history.records_about(volunteer)
    found = [Section(_("What we know of you"), _person(history, volunteer, campaign, sealed))]
    if agreed := _agreed(about, campaign, now):
        found.append(Section(_("What you have agreed to"), agreed))
    if answers := _answers(about, campaign, now):
        found.append(Section(_("What you have answered"), answers))
    for chapter in tell(history, volunteer, campaign, now):
        lines = (f"{moment_in_words(line.at, now.date())}  {line.text}" for line in chapter.lines)
        found.append(Section(chapter.heading, tuple(lines)))
    return found


def _person(history: History, volunteer: str, campaign: Campaign, sealed: Mapping[str, str]) -> tuple[str, ...]:
    person = history.people[volunteer]
    kind = ID_TYPES.get(sealed.get("id_type", ""), "")
    told = [
        (_("Name"), person.name),
        (_("Volunteer number"), volunteer),
        (_("Mobile"), sealed.get("phone", "")),
        (_(kind) if kind else _("Document"), sealed.get("id_number", "")),
        (_("Birth date"), sealed.get("birth_date", "")),
        (_("Lives or works in"), place_in_words(campaign, person.street, person.community)),
        (_("Notes"), "; ".join(_notes(history.records_about(volunteer)))),
        (_("Too old from"), person.ages_out.isoformat() if person.ages_out else ""),
    ]
    nothing = _("not given")
    return tuple(f"{label}: {value or nothing}" for label, value in told)


def _notes(about: Sequence[Record]) -> list[str]:
    return [str(record.personal["note"]) for record in about if record.personal and record.personal.get("note")]


def _agreed(about: Sequence[Record], campaign: Campaign, now: datetime) -> tuple[str, ...]:
    titles = {consent.id: str(consent.title) for consent in campaign.consents}
    titles |= {clause.id: str(clause.text) for clause in campaign.clauses}
    said = _("{time}  {text} (version {version})")
    return tuple(
        said.format(
            time=moment_in_words(record.occurred, now.date()),
            text=titles.get(item["text"], item["text"]),
            version=item["version"],
        )
        for record in about
        for item in record.get("agreed", ())
    )


def _answers(about: Sequence[Record], campaign: Campaign, now: datetime) -> tuple[str, ...]:
    clauses = {clause.id: str(clause.text) for clause in campaign.clauses}
    words = {"met": _("met"), "not_met": _("not met")}
    return tuple(
        f"{moment_in_words(record.occurred, now.date())}  {clauses.get(name, name)}: {words.get(answer, answer)}"
        for record in about
        if record.type in ("registered", "checked_in")
        for name, answer in {**record["answers"], **(record.health or {}).get("answers", {})}.items()
    )
