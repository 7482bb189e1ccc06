"""A campaign: clauses, duties, posts, consents, streets, communities and contacts, and how to find them.

A campaign is data that headquarters publishes; nothing in the code knows of health codes or of Shangcheng. Here it is
checked already (`campaign_files` reads it). This module knows nothing of files, volunteers, logs or screens.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Any

from msgspec import Struct

from kiosk.i18n import language


class Text(Struct, frozen=True):
    """A text of the campaign in both languages; `str()` gives the one in use."""

    zh: str
    en: str

    def __str__(self) -> str:
        return self.zh if language() == "zh" else self.en


class Reason(Struct, frozen=True):
    """Why a clause was not met: a stable code and a kind sentence."""

    code: str
    text: Text


class Option(Struct, frozen=True):
    """One answer to a clause, the ways a sheet may write it, and whether it meets the clause."""

    value: str
    text: Text
    aliases: tuple[str, ...]
    accepted: bool


class Clause(Struct, frozen=True):
    """One condition of eligibility.

    Attributes:
        id: stands in records.
        kind: `computed` from other data by `rule`, `confirmed` or `pledged` by an answer, or `stated` and never asked.
        column: the column of an import sheet that holds the answer.
        health: whether the answer is about health and is kept apart.
        daily: whether it is asked again on every day of service.
        with_identity: whether the answer is asked together with the address.
        reasons: by code, in the order of the data.
        first, last: the days between which the clause holds; `last` None for no end.
        version: of the text, for what is pledged.
    """

    id: str
    kind: str
    text: Text
    question: Text
    rule: str
    column: str
    health: bool
    daily: bool
    with_identity: bool
    options: tuple[Option, ...]
    reasons: Mapping[str, Reason]
    first: date
    last: date | None
    version: int
    min_age: int
    max_age: int
    age_mode: str

    @property
    def asked(self) -> bool:
        """Whether a person answers it."""
        return self.kind in ("confirmed", "pledged")

    def option(self, answer: str) -> Option | None:
        """The option that `answer` (a value or one of its aliases, any case) means."""
        folded = fold(answer).casefold()
        for option in self.options:
            if folded in (option.value.casefold(), *(fold(alias).casefold() for alias in option.aliases)):
                return option
        return None


class Consent(Struct, frozen=True):
    """What is asked before anything else: a versioned text, and the words by which a person agrees to it."""

    id: str
    version: int
    title: Text
    text: Text
    agree: Text


class Duty(Struct, frozen=True):
    """One of the campaign's duties."""

    id: str
    text: Text


class Post(Struct, frozen=True):
    """A duty at a place in a time window of every day, with a number of people wanted."""

    id: str
    duty: str
    street: str
    community: str
    place: Text
    starts: time
    ends: time
    wanted: int


class Community(Struct, frozen=True):
    """A community; `code` has 12 digits and begins with its street's."""

    code: str
    name: str
    street: str


class Street(Struct, frozen=True):
    """A street; `code` has 9 digits."""

    code: str
    name: str
    aliases: tuple[str, ...]
    communities: tuple[Community, ...]


class Contact(Struct, frozen=True):
    """Whom to call for a street (`street` is its code) or, for the association, for everything else (None)."""

    name: str
    contact: str
    phone: str
    street: str | None


class Campaign(Struct, frozen=True):
    """A checked campaign. `source` is the JSON it was read from, to be kept with the station."""

    id: str
    version: int
    name: Text
    first: date
    last: date | None
    id_number_required: bool
    consents: tuple[Consent, ...]
    consent_refused: Reason
    clauses: tuple[Clause, ...]
    duties: tuple[Duty, ...]
    posts: tuple[Post, ...]
    streets: tuple[Street, ...]
    contacts: tuple[Contact, ...]
    source: Mapping[str, Any]

    def in_force(self, day: date) -> bool:
        """Whether the campaign holds on `day`."""
        return self.first <= day and (self.last is None or day <= self.last)

    def clauses_on(self, day: date) -> tuple[Clause, ...]:
        """The clauses that hold on `day`, in the order of the notice."""
        return tuple(c for c in self.clauses if c.first <= day and (c.last is None or day <= c.last))

    def reason(self, code: str) -> Reason | None:
        """The reason with that code, of whichever clause."""
        if code == self.consent_refused.code:
            return self.consent_refused
        return next((c.reasons[code] for c in self.clauses if code in c.reasons), None)

    def duty(self, text: str) -> Duty | None:
        """The duty that `text` names, by id or by name in either language."""
        folded = fold(text).casefold()
        for duty in self.duties:
            if folded in (duty.id.casefold(), duty.text.zh.casefold(), duty.text.en.casefold()):
                return duty
        return None

    def post(self, post_id: str | None) -> Post | None:
        """The post with that id."""
        return next((post for post in self.posts if post.id == post_id), None)

    def street(self, text: str) -> Street | None:
        """The street that `text` means: its code, its name with or without the suffix, or a misprint of it."""
        folded = fold(text)
        for street in self.streets:
            if folded == street.code or _without_suffix(folded) in map(_without_suffix, (street.name, *street.aliases)):
                return street
        return None

    def community(self, text: str, street: Street | None = None) -> Community | None:
        """The one community that `text` (a name or a code) means, within `street` if given.

        A name that occurs in two streets of the district means nothing without its street.
        """
        folded = fold(text)
        matches = [
            community
            for community in (street.communities if street else self.communities())
            if folded == community.code or _without_suffix(folded) == _without_suffix(community.name)
        ]
        return matches[0] if len(matches) == 1 else None

    def communities(self) -> Iterator[Community]:
        """All communities, street by street."""
        for street in self.streets:
            yield from street.communities

    def street_of(self, code: str) -> Street:
        """The street with that 9- or 12-digit code.

        Raises:
            KeyError: if there is none.
        """
        for street in self.streets:
            if code[:9] == street.code:
                return street
        raise KeyError(code)

    def community_of(self, code: str) -> Community:
        """The community with that 12-digit code.

        Raises:
            KeyError: if there is none.
        """
        for community in self.street_of(code).communities:
            if community.code == code:
                return community
        raise KeyError(code)

    def name_of(self, code: str) -> str:
        """The name of a street or a community; the code itself where this campaign no longer has it."""
        try:
            return (self.community_of(code) if len(code) > 9 else self.street_of(code)).name
        except KeyError:
            return code

    def contact_for(self, street: str) -> Contact:
        """The street's contact, or the association's where the street has none."""
        return next((contact for contact in self.contacts if contact.street == street), self.association)

    @property
    def association(self) -> Contact:
        """The volunteers' association."""
        return next(contact for contact in self.contacts if contact.street is None)


class Campaigns(Struct, frozen=True):
    """All campaigns that a station has, those before included.

    Attributes:
        known: at least one.
        damaged: what is wrong with those that could not be read, each in a sentence.
    """

    known: tuple[Campaign, ...]
    damaged: tuple[str, ...] = ()

    def on(self, day: date) -> Campaign:
        """The campaign that counts on `day`: of those in force the newest.

        Where none is, the newest that had begun, or else the newest of all: somebody has to be named on the screen that
        says so. It is never one that would hold by its own dates.
        """
        over = [campaign for campaign in self.known if not campaign.in_force(day)]
        begun = [campaign for campaign in over if campaign.first <= day]
        running = [each for each in self.known if each.in_force(day) and not self.has_ended(each.id, day)]
        return max(running or begun or over, key=lambda campaign: (campaign.first, campaign.version))

    def has_ended(self, name: str, day: date) -> bool:
        """Whether all versions of a campaign are over: its highest version alone says when that is."""
        last = max((each for each in self.known if each.id == name), key=lambda campaign: campaign.version).last
        return last is not None and last < day

    def of(self, name: str, version: int) -> Campaign | None:
        """The campaign with that id and version."""
        return next((c for c in self.known if (c.id, c.version) == (name, version)), None)


def fold(text: str) -> str:
    """`text` trimmed, its full-width forms folded (NFKC)."""
    return unicodedata.normalize("NFKC", text).strip()


def _without_suffix(name: str) -> str:
    for suffix in ("街道", "社区", "村委会"):
        if name.endswith(suffix) and name != suffix:
            return name.removesuffix(suffix)
    return name
