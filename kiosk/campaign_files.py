"""Reads campaign files and checks all that is in them.

Whatever is wrong is one `CampaignError` that names file, entry and field, so that nothing behind this has to doubt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date, time
from pathlib import Path
from typing import Any, Final, NoReturn

from kiosk.campaign import (
    Campaign,
    Campaigns,
    Clause,
    Community,
    Consent,
    Contact,
    Duty,
    Option,
    Post,
    Reason,
    Street,
    Text,
)
from kiosk.canonical import SUM, is_as_written, with_sum
from kiosk.durable import write_durably
from kiosk.errors import CampaignError
from kiosk.i18n import LANGUAGES, _
from kiosk.trust import NotSigned, open_signed, signed
from kiosk.wording import cause

SHIPPED: Final = ("campaign.json", "communities.json", "contacts.json")
_PARTS: Final = tuple(name.removesuffix(".json") for name in SHIPPED)
CLAUSE_KINDS: Final = ("computed", "confirmed", "pledged", "stated")
AGE_MODES: Final = ("on_birthday", "day_after")


class _Entry:
    """One object of a data file that knows where it stands, so that every complaint names file, entry and field."""

    def __init__(self, data: object, file: str, name: str) -> None:
        self.file, self.name = file, name
        if not isinstance(data, dict):
            self.data: Mapping[str, Any] = {}
            self.fail("-", _("it is not an object"))
        self.data = data

    def fail(self, field: str, what: str) -> NoReturn:
        sentence = _("{file}, {entry}, {field}: {what}.")
        sentence = sentence.format(file=self.file, entry=self.name, field=field, what=what)
        raise CampaignError(sentence, file=self.file, entry=self.name, field=field)

    def get(self, field: str, kind: type, default: Any = ...) -> Any:
        if field not in self.data and default is not ...:
            return default
        value = self.data.get(field)
        if type(value) is not kind:
            self.fail(field, _("it is missing or of the wrong kind"))
        return value

    def string(self, field: str, pattern: str = "", default: Any = ...) -> str:
        """A text that is not empty, of that form."""
        value: str = self.get(field, str, default)
        if not (re.fullmatch(pattern, value) if pattern else value.strip()):
            self.fail(field, _("{value} is not in the right form").format(value=json.dumps(value, ensure_ascii=False)))
        return value

    def number(self, field: str, default: Any = ..., *, least: int = 0) -> int:
        value: int = self.get(field, int, default)
        if value < least:
            self.fail(field, _("{value} is less than {least}").format(value=value, least=least))
        return value

    def one_of(self, field: str, allowed: Sequence[str], default: Any = ...) -> str:
        value: str = self.get(field, str, default)
        if value not in allowed:
            self.fail(field, _("it must be one of {allowed}").format(allowed=", ".join(allowed)))
        return value

    def day(self, field: str, default: date | None = None, *, required: bool = False) -> date | None:
        value = self.data.get(field)
        if value is None and not required:
            return default
        try:
            return date.fromisoformat(value)  # type: ignore[arg-type] # a wrong type is the TypeError below
        except (TypeError, ValueError):
            self.fail(field, _("it is not a date such as 2021-12-01"))
            raise

    def clock(self, field: str) -> time:
        try:
            return time.fromisoformat(self.string(field, r"[0-9]{2}:[0-9]{2}"))
        except ValueError:
            self.fail(field, _("it is not a time such as 08:30"))
            raise

    def text(self, field: str) -> Text:
        return Text(**{code: self.entry(field).string(code) for code in LANGUAGES})

    def strings(self, field: str) -> tuple[str, ...]:
        values: list[object] = self.get(field, list, [])
        texts = tuple(value for value in values if isinstance(value, str))
        if len(texts) != len(values):
            self.fail(field, _("it is missing or of the wrong kind"))
        return texts

    def entry(self, field: str) -> _Entry:
        return _Entry(self.get(field, dict), self.file, f"{self.name}.{field}")

    def entries(self, field: str, key: str, default: Any = ...) -> list[_Entry]:
        return _entries(self.get(field, list, default), self.file, field, key)


def _entries(data: Iterable[object], file: str, what: str, key: str) -> list[_Entry]:
    """The objects of a list, named by their `key` (or their place), which must not occur twice."""
    found: dict[object, _Entry] = {}
    for place, item in enumerate(data, start=1):
        key_of = item.get(key) if isinstance(item, dict) else None
        named = key_of if isinstance(key_of, (str, int)) else None
        entry = _Entry(item, file, f"{what} {place if named is None else named}")
        if named in found:
            entry.fail(key, _("it occurs twice"))
        found[("place", place) if named is None else named] = entry
    return list(found.values())


def _clause(entry: _Entry, first: date, last: date | None) -> Clause:
    kind = entry.one_of("kind", CLAUSE_KINDS)
    asked = kind in ("confirmed", "pledged")
    options = tuple(
        Option(
            option.string("value"),
            option.text("text"),
            option.strings("aliases"),
            option.get("accepted", bool),
        )
        for option in entry.entries("options", "value", ... if asked else [])
    )
    if asked and not any(option.accepted for option in options):
        entry.fail("options", _("no answer is accepted"))
    reasons = {
        reason.string("code"): Reason(reason.string("code"), reason.text("text"))
        for reason in entry.entries("reasons", "code", [] if kind == "stated" else ...)
    }
    rule = entry.one_of("rule", ("age",)) if kind == "computed" else ""
    if kind == "computed" and not {"age_under", "age_over"} <= reasons.keys():
        entry.fail("reasons", _("age_under and age_over are needed"))
    if asked and len(reasons) != 1:
        entry.fail("reasons", _("one reason is needed"))
    name = entry.string("id")
    return Clause(
        id=name,
        kind=kind,
        text=entry.text("text"),
        question=entry.text("question" if asked else "text"),
        rule=rule,
        column=entry.string("column", default=name),
        health=entry.get("health", bool, False),
        daily=entry.get("daily", bool, False),
        with_identity=entry.one_of("asked_with", ("identity", "clauses"), "clauses") == "identity",
        options=options,
        reasons=reasons,
        first=entry.day("from", first) or first,
        last=entry.day("until", last),
        version=entry.number("version", 1, least=1),
        min_age=entry.number("min", 0),
        max_age=entry.number("max", 200),
        age_mode=entry.one_of("age_mode", AGE_MODES, "on_birthday"),
    )


def _streets(data: object, file: str) -> tuple[Street, ...]:
    whole = _Entry(data, file, "file")
    district = whole.entry("district").string("code", r"[0-9]{6}")
    streets = []
    known: set[str] = set()
    for entry in whole.entries("streets", "code"):
        code = entry.string("code", r"[0-9]{9}")
        if not code.startswith(district):
            entry.fail("code", _("it does not begin with {code}").format(code=district))
        communities = []
        for inner in entry.entries("communities", "code"):
            if not inner.string("code", r"[0-9]{12}").startswith(code):
                inner.fail("code", _("it does not begin with {code}").format(code=code))
            communities.append(Community(inner.data["code"], inner.string("name"), code))
        names = [community.name for community in communities]
        for name in names:
            if names.count(name) > 1:
                entry.fail("communities", _("{name} occurs twice").format(name=name))
        aliases = entry.strings("aliases")
        for name in (entry.string("name"), *aliases):
            if name in known:
                entry.fail("name", _("{name} occurs twice").format(name=name))
            known.add(name)
        streets.append(Street(code, entry.data["name"], aliases, tuple(communities)))
    return tuple(streets)


def _contacts(data: object, file: str, streets: Sequence[Street]) -> tuple[Contact, ...]:
    if not isinstance(data, list):
        sentence = _("{file} is not a list of contacts.").format(file=file)
        raise CampaignError(sentence, file=file, entry="file", field="-")
    contacts: list[Contact] = []
    phones: set[str] = set()
    codes = {street.code: street for street in streets}
    for entry in _entries(data, file, "contact", "order"):
        code = None
        if entry.one_of("kind", ("street", "association")) == "street":
            code = entry.string("code")
            if code not in codes or any(contact.street == code for contact in contacts):
                entry.fail("code", _("it is no street's code, or occurs twice"))
            if entry.string("name") != codes[code].name:
                entry.fail("name", _("the street with this code is called {name}").format(name=codes[code].name))
        elif entry.data.get("code") is not None or any(contact.street is None for contact in contacts):
            entry.fail("code", _("there is one association, and it has no code"))
        phone = entry.string("phone", r"1[3-9][0-9]{9}")
        if phone in phones:
            entry.fail("phone", _("it occurs twice"))
        phones.add(phone)
        contacts.append(Contact(entry.string("name"), entry.string("contact"), phone, code))
    if all(contact.street is not None for contact in contacts):
        raise CampaignError(
            _("{file} has no contact of kind association.").format(file=file), file=file, entry="file", field="kind"
        )
    return tuple(contacts)


def parse(source: Mapping[str, Any], names: Sequence[str] = SHIPPED) -> Campaign:
    """Checks a campaign's JSON, an object with the content of the three files as `campaign`, `communities`, `contacts`.

    Args:
        source: the JSON.
        names: what to call the three in an error.

    Raises:
        CampaignError: naming file, entry and field of the first thing that is wrong.
    """
    campaign_file, streets_file, contacts_file = names
    streets = _streets(source.get("communities"), streets_file)
    contacts = _contacts(source.get("contacts"), contacts_file, streets)
    entry = _Entry(source.get("campaign"), campaign_file, "campaign")
    first = entry.day("from", required=True)
    assert first is not None
    last = entry.day("until")
    duties = tuple(Duty(duty.string("id"), duty.text("text")) for duty in entry.entries("duties", "id"))
    posts = []
    for post in entry.entries("posts", "id"):
        code = post.string("community", r"[0-9]{12}")
        if code not in {community.code for street in streets for community in street.communities}:
            post.fail("community", _("there is no community with this code"))
        posts.append(
            Post(
                id=post.string("id"),
                duty=post.one_of("duty", [duty.id for duty in duties]),
                street=code[:9],
                community=code,
                place=post.text("place"),
                starts=post.clock("from"),
                ends=post.clock("until"),
                wanted=post.number("wanted", least=1),
            )
        )
    for what, counted in (
        ("streets", len(streets)),
        ("communities", sum(len(street.communities) for street in streets)),
        ("contacts", len(contacts)),
    ):
        expected = entry.entry("expects").number(what)
        if expected != counted:
            sentence = _("{expected} are announced and {counted} are there").format(expected=expected, counted=counted)
            entry.entry("expects").fail(what, sentence)
    refused = entry.entry("consent_refused")
    return Campaign(
        # The badge carries the id, so it is short and of the badge's letters.
        id=entry.string("id", r"[A-Z0-9]{1,8}"),
        version=entry.number("version", least=1),
        name=entry.text("name"),
        first=first,
        last=last,
        id_number_required=entry.get("id_number_required", bool, False),
        consents=tuple(
            Consent(
                consent.string("id"),
                consent.number("version", least=1),
                consent.text("title"),
                consent.text("text"),
                consent.text("agree"),
            )
            for consent in entry.entries("consents", "id")
        ),
        consent_refused=Reason(refused.string("code"), refused.text("text")),
        clauses=tuple(_clause(clause, first, last) for clause in entry.entries("clauses", "id")),
        duties=duties,
        posts=tuple(posts),
        streets=streets,
        contacts=contacts,
        source=source,
    )


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        why = cause(error) if isinstance(error, OSError) else error
        sentence = _("{file} cannot be read as JSON: {error}.").format(file=path.name, error=why)
        raise CampaignError(sentence, file=path.name, entry="file", field="-") from error


def shipped_folder() -> Path:
    """Where the shipped data lies: inside an installed wheel, or beside the package in a checkout."""
    package = Path(__file__).parent
    return package / "data" if (package / "data").is_dir() else package.parent / "data"


def shipped() -> Campaign:
    """The campaign that comes with the kiosk.

    Raises:
        CampaignError: if its data is wrong.
    """
    return read_folder(shipped_folder())


def read_folder(folder: Path) -> Campaign:
    """The campaign in the three files of `folder`.

    Raises:
        CampaignError: if its data is wrong.
    """
    campaign, communities, contacts = (_load(folder / name) for name in SHIPPED)
    return parse({"campaign": campaign, "communities": communities, "contacts": contacts})


def bundle(campaign: Campaign) -> bytes:
    """The content of the one file in which a station keeps a campaign."""
    return json.dumps(with_sum(campaign.source), ensure_ascii=False).encode("utf-8")


def read_bundle(path: Path, *, unchanged: bool = True) -> Campaign:
    """The campaign in one file, as a station keeps it.

    Args:
        path: the file.
        unchanged: takes only what a kiosk has written, or what has no sum.

    Raises:
        CampaignError: if its data is wrong.
    """
    source = _load(path)
    if not isinstance(source, dict):
        sentence = _("{file} is not a campaign.").format(file=path.name)
        raise CampaignError(sentence, file=path.name, entry="file", field="-")
    if unchanged and not is_as_written(source, _PARTS):
        sentence = _("{file} is not as it was written.").format(file=path.name)
        raise CampaignError(sentence, file=path.name, entry="file", field="sum")
    return parse(source, [f"{path.name}: {name}" for name in SHIPPED])


def _without_sum(campaign: Campaign) -> dict[str, Any]:
    return {name: value for name, value in campaign.source.items() if name != SUM}


CAMPAIGNS: Final = "campaigns"
"""The kind of document in which headquarters tells all stations its campaigns."""
COPY: Final = "campaign/headquarters"
"""That document as it came last: where a bundle is damaged, what it held is here once more."""


def sign_campaigns(campaigns: Iterable[Campaign], number: int, sign: Callable[[bytes], bytes]) -> bytes:
    """Campaigns as one signed document.

    Args:
        campaigns: all that headquarters has published.
        number: counts these documents.
        sign: gives headquarters' signature.
    """
    return signed(CAMPAIGNS, {"number": number, "campaigns": [dict(each.source) for each in campaigns]}, sign)


def take_campaigns(folder: Path, content: bytes, public: bytes) -> list[Campaign]:
    """Takes in the campaigns of a signed document that a station does not have yet; those that it has never change.

    Args:
        folder: the data folder.
        content: the document.
        public: headquarters' public key.

    Returns:
        Those that are new.

    Raises:
        NotSigned: if headquarters did not sign it.
        CampaignError: if one is wrong, or is there with another content; the others are taken in.
        OSError: if one could not be made durable.
    """
    members = open_signed(CAMPAIGNS, content, public)
    if _number_of_copy(folder, public) < int(members["number"]):
        write_durably(folder / COPY, content, folder / "tmp")
    new: list[Campaign] = []
    wrong: list[CampaignError] = []
    for source in members["campaigns"]:
        try:
            campaign = parse(source)
            path = folder / "campaign" / f"{campaign.id}-{campaign.version}.json"
            if not path.exists():
                write_durably(path, bundle(campaign), folder / "tmp")
                new.append(campaign)
            elif _without_sum(read_bundle(path)) != _without_sum(campaign):
                sentence = _("{file} is another campaign than headquarters has published under that number.")
                raise CampaignError(sentence.format(file=path.name), file=path.name, entry="file", field="version")
        except CampaignError as error:
            wrong.append(error)
    if wrong:
        raise wrong[0]
    return new


def _number_of_copy(folder: Path, public: bytes) -> int:
    with suppress(OSError, NotSigned, ValueError, KeyError, TypeError):
        return int(open_signed(CAMPAIGNS, (folder / COPY).read_bytes(), public)["number"])
    return -1


def copied_campaigns(folder: Path, public: bytes) -> list[Campaign]:
    """The campaigns in the copy of what headquarters has told; those that are wrong are left out.

    Args:
        folder: the data folder.
        public: headquarters' public key.
    """
    found = []
    with suppress(OSError, NotSigned, KeyError, TypeError):
        for source in open_signed(CAMPAIGNS, (folder / COPY).read_bytes(), public)["campaigns"]:
            with suppress(CampaignError):
                found.append(parse(source))
    return found


def load_campaigns(folder: Path, *, unchanged: bool = True) -> Campaigns:
    """The campaigns of a station. One that cannot be read is passed over as long as there is another.

    Args:
        folder: the data folder.
        unchanged: as for `read_bundle`.

    Raises:
        CampaignError: if there is none, or none that can be read.
    """
    known: list[Campaign] = []
    errors: list[CampaignError] = []
    for path in sorted((folder / "campaign").glob("*.json")):
        try:
            known.append(read_bundle(path, unchanged=unchanged))
        except CampaignError as error:
            errors.append(error)
    if known:
        return Campaigns(tuple(known), tuple(str(error) for error in errors))
    if errors:
        raise errors[0]
    sentence = _("There is no campaign in {folder}.").format(folder=folder / "campaign")
    raise CampaignError(sentence, file="campaign", entry="folder", field="-")


def load_campaign(folder: Path, today: date) -> Campaign:
    """The campaign that counts at a station on `today`.

    Raises:
        CampaignError: if there is none, or none that can be read.
    """
    return load_campaigns(folder).on(today)
