"""Campaign data: the shipped data is whole, and every kind of damage is one error that says where it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest

from kiosk import i18n
from kiosk.campaign import Campaign, fold
from kiosk.campaign_files import SHIPPED, parse, read_bundle, read_folder, shipped, shipped_folder
from kiosk.errors import CampaignError
from tests.factories import campaign_source, campaign_with_posts

CAMPAIGN = shipped()
Source = dict[str, Any]


# --- the shipped data -----------------------------------------------------------------------------------------------


def test_the_shipped_data_is_whole():
    assert len(CAMPAIGN.streets) == 14
    assert len(list(CAMPAIGN.communities())) == 203
    assert len(CAMPAIGN.contacts) == 15
    assert CAMPAIGN.first == date(2021, 12, 1)
    assert CAMPAIGN.last is None
    assert not CAMPAIGN.id_number_required
    assert [clause.id for clause in CAMPAIGN.clauses] == [
        "age",
        "district",
        "sex",
        "vaccinated",
        "health_code",
        "travel_code",
        "pledge",
    ]
    assert [clause.id for clause in CAMPAIGN.clauses if clause.health] == ["vaccinated", "health_code", "travel_code"]
    assert [clause.id for clause in CAMPAIGN.clauses if clause.daily] == ["health_code", "travel_code"]
    assert [consent.id for consent in CAMPAIGN.consents] == ["notice", "health"]
    assert len(CAMPAIGN.duties) == 8


def test_every_street_has_a_contact_of_its_own():
    contacts = {street.code: CAMPAIGN.contact_for(street.code) for street in CAMPAIGN.streets}
    assert all(contact.street == code for code, contact in contacts.items())
    assert all(contact.name == CAMPAIGN.street_of(code).name for code, contact in contacts.items())
    assert len({contact.phone for contact in CAMPAIGN.contacts}) == 15
    assert CAMPAIGN.association == CAMPAIGN.contacts[-1]
    assert CAMPAIGN.association.name == "上城区志愿者协会"


def test_codes_nest_and_occur_once():
    communities = list(CAMPAIGN.communities())
    assert len({community.code for community in communities}) == 203
    for street in CAMPAIGN.streets:
        assert street.code.startswith("330102")
        assert len(street.code) == 9
        assert all(c.code.startswith(street.code) and c.street == street.code for c in street.communities)
        assert all(len(c.code) == 12 and CAMPAIGN.community_of(c.code) is c for c in street.communities)


def test_misprinted_street_names_are_aliases():
    for misprint, name in (("阊弄口街道", "闸弄口街道"), ("览桥街道", "笕桥街道")):
        found = CAMPAIGN.street(misprint)
        assert found is not None
        assert found.name == name
        assert CAMPAIGN.street(misprint.removesuffix("街道")) is found
    assert [alias for street in CAMPAIGN.streets for alias in street.aliases] == ["阊弄口街道", "览桥街道"]


def test_every_street_and_community_is_found_by_name_and_code():
    for street in CAMPAIGN.streets:
        for text in (street.code, street.name, street.name.removesuffix("街道"), f"\u3000{street.name} "):
            assert CAMPAIGN.street(text) is street
        for community in street.communities:
            short = community.name.removesuffix("社区").removesuffix("村委会")
            for text in (community.code, community.name, short):
                assert CAMPAIGN.community(text, street) is community
            assert CAMPAIGN.community(community.code) is community


def test_the_name_that_occurs_twice_needs_its_street():
    names = [community.name for community in CAMPAIGN.communities()]
    (twice,) = {name for name in names if names.count(name) > 1}
    assert twice == "兴隆社区"
    assert CAMPAIGN.community(twice) is None
    assert CAMPAIGN.community("兴隆") is None
    streets = [street for street in CAMPAIGN.streets if CAMPAIGN.community(twice, street)]
    assert [street.name for street in streets] == ["望江街道", "彭埠街道"]
    once = [name for name in names if name != twice]
    assert all(CAMPAIGN.community(name) for name in once)


def test_codes_that_do_not_exist():
    for ask in (CAMPAIGN.street_of, CAMPAIGN.community_of):
        with pytest.raises(KeyError):
            ask("330102999999")
    with pytest.raises(KeyError):
        CAMPAIGN.community_of("330102016999")
    assert CAMPAIGN.street("街道") is None
    assert CAMPAIGN.street("") is None
    assert CAMPAIGN.community("社区") is None
    assert CAMPAIGN.post(None) is None
    assert CAMPAIGN.duty("") is None


def test_texts_are_there_in_both_languages(monkeypatch):
    text = CAMPAIGN.name
    for language, shown in (("zh", "上城区疫情防控志愿者"), ("en", text.en)):
        monkeypatch.setattr(i18n, "_current", language)
        assert str(text) == shown
    options = [option for clause in CAMPAIGN.clauses for option in clause.options]
    assert all(option.text.zh and option.text.en for option in options)


def test_a_campaign_in_force():
    campaign = campaign_with_posts(until="2022-12-31")
    days = ("2021-11-30", "2021-12-01", "2022-12-31", "2023-01-01")
    assert [campaign.in_force(date.fromisoformat(day)) for day in days] == [False, True, True, False]
    assert CAMPAIGN.in_force(date(2099, 1, 1))


def test_clauses_end_with_the_campaign_and_have_dates_of_their_own():
    source = campaign_source()
    source["campaign"]["until"] = "2022-12-31"
    source["campaign"]["clauses"][4] |= {"from": "2022-01-01", "until": "2022-06-30"}
    first, *_, fifth, _, _ = parse(source).clauses
    assert (first.first, first.last) == (date(2021, 12, 1), date(2022, 12, 31))
    assert (fifth.first, fifth.last) == (date(2022, 1, 1), date(2022, 6, 30))


def test_posts_are_read():
    campaign = campaign_with_posts(
        {"id": "gate", "community": "330102016001", "duty": "policy", "from": "20:00", "until": "06:00", "wanted": 3}
    )
    post = campaign.post("gate")
    assert post is not None
    assert (post.duty, post.street, post.community, post.wanted) == ("policy", "330102016", "330102016001", 3)
    assert (post.starts, post.ends, post.place.en) == (time(20), time(6), "Gate")


def test_full_width_forms_are_folded():
    assert fold("\u3000ＡＢ１２＊ ") == "AB12*"


# --- files ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in SHIPPED:
        (tmp_path / name).write_bytes((shipped_folder() / name).read_bytes())
    return tmp_path


def test_a_folder_and_a_bundle_give_the_same(folder):
    bundle = folder / "bundle.json"
    bundle.write_text(json.dumps(CAMPAIGN.source, ensure_ascii=False), encoding="utf-8")
    assert read_folder(folder) == read_bundle(bundle) == CAMPAIGN


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff\xfe", b"[1", b"not json"])
def test_an_unreadable_file_is_named(folder, name, content):
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(CampaignError) as raised:
        read_folder(folder)
    assert (raised.value.file, raised.value.entry, raised.value.field) == (name, "file", "-")
    assert name in str(raised.value)
    assert "{file}" not in str(raised.value)


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("content", ["null", "5", '"text"', "{}", "[]", "[[]]", "[null]"])
def test_a_file_with_something_else_is_named(folder, name, content):
    (folder / name).write_text(content)
    with pytest.raises(CampaignError) as raised:
        read_folder(folder)
    assert raised.value.file == name
    assert name in str(raised.value)


@pytest.mark.parametrize("content", ["null", "[]", "{}", "5", "{"])
def test_a_bundle_that_is_none_is_named(tmp_path, content):
    path = tmp_path / "0001.json"
    path.write_text(content)
    with pytest.raises(CampaignError) as raised:
        read_bundle(path)
    assert raised.value.file.startswith("0001.json")
    assert "0001.json" in str(raised.value)


# --- damage ---------------------------------------------------------------------------------------------------------


def _set(*path: Any) -> Callable[[Source], None]:
    """Damage that puts the last of `path` at the place that the others lead to."""
    *way, last, value = path

    def damage(source: Source) -> None:
        inner: Any = source
        for step in way:
            inner = inner[step]
        inner[last] = value

    return damage


def _drop(*path: Any) -> Callable[[Source], None]:
    def damage(source: Source) -> None:
        inner: Any = source
        for step in path[:-1]:
            inner = inner[step]
        del inner[path[-1]]

    return damage


def _repeat(*path: Any, changes: dict[str, Any] | None = None) -> Callable[[Source], None]:
    """Damage that repeats the first entry of a list, with changes."""

    def damage(source: Source) -> None:
        inner: Any = source
        for step in path:
            inner = inner[step]
        inner.append({**inner[0], **(changes or {})})

    return damage


def _post(**changes: Any) -> Callable[[Source], None]:
    post = {
        "id": "gate",
        "community": "330102016001",
        "duty": "order",
        "from": "08:00",
        "until": "20:00",
        "wanted": 1,
        "place": {"zh": "东门", "en": "Gate"},
    }
    return _set("campaign", "posts", [{**post, **changes}])


CLAUSES = ("campaign", "clauses")
CLAUSE_FILE, STREET_FILE, CONTACT_FILE = SHIPPED
DAMAGE: list[tuple[Callable[[Source], None], str, str, str]] = [
    # contacts
    (_set("contacts", 0, "phone", "12906509846"), CONTACT_FILE, "contact 1", "phone"),
    (_set("contacts", 0, "phone", "1390650984"), CONTACT_FILE, "contact 1", "phone"),
    (_set("contacts", 0, "phone", "139065098466"), CONTACT_FILE, "contact 1", "phone"),
    (_set("contacts", 0, "phone", "1390650984６"), CONTACT_FILE, "contact 1", "phone"),
    (_set("contacts", 0, "phone", 13906509846), CONTACT_FILE, "contact 1", "phone"),
    (_set("contacts", 4, "phone", "13906509846"), CONTACT_FILE, "contact 5", "phone"),
    (_drop("contacts", 2, "phone"), CONTACT_FILE, "contact 3", "phone"),
    (_drop("contacts", 2, "contact"), CONTACT_FILE, "contact 3", "contact"),
    (_set("contacts", 2, "contact", "  "), CONTACT_FILE, "contact 3", "contact"),
    (_set("contacts", 2, "code", "330102999"), CONTACT_FILE, "contact 3", "code"),
    (_set("contacts", 2, "code", "330102003"), CONTACT_FILE, "contact 3", "code"),
    (_set("contacts", 2, "code", None), CONTACT_FILE, "contact 3", "code"),
    (_set("contacts", 2, "code", ["330102004"]), CONTACT_FILE, "contact 3", "code"),
    (_set("contacts", 2, "name", "清波街道"), CONTACT_FILE, "contact 3", "name"),
    (_set("contacts", 2, "kind", "friend"), CONTACT_FILE, "contact 3", "kind"),
    (_set("contacts", 2, "kind", "association"), CONTACT_FILE, "contact 3", "code"),
    (_set("contacts", 2, "order", 1), CONTACT_FILE, "contact 1", "order"),
    (_set("contacts", 2, "phone", None), CONTACT_FILE, "contact 3", "phone"),
    (_drop("contacts", 14), CONTACT_FILE, "file", "kind"),
    (_drop("contacts", 0), CLAUSE_FILE, "campaign.expects", "contacts"),
    (_drop("contacts"), CONTACT_FILE, "file", "-"),
    # streets and communities
    (_drop("communities", "streets", 13), CONTACT_FILE, "contact 13", "code"),
    (_set("communities", "streets", 0, "code", "330103001"), STREET_FILE, "streets 330103001", "code"),
    (_set("communities", "streets", 0, "code", "33010200"), STREET_FILE, "streets 33010200", "code"),
    (_set("communities", "streets", 0, "code", "33010200１"), STREET_FILE, "streets 33010200１", "code"),
    (_set("communities", "streets", 0, "code", 330102001), STREET_FILE, "streets 330102001", "code"),
    (_set("communities", "streets", 0, "code", ["330102001"]), STREET_FILE, "streets 1", "code"),
    (_drop("communities", "streets", 0, "code"), STREET_FILE, "streets 1", "code"),
    (_set("communities", "streets", 1, "code", "330102001"), STREET_FILE, "streets 330102001", "code"),
    (_set("communities", "streets", 1, "name", "清波街道"), STREET_FILE, "streets 330102003", "name"),
    (_set("communities", "streets", 1, "aliases", ["清波街道"]), STREET_FILE, "streets 330102003", "name"),
    (_set("communities", "streets", 1, "aliases", "湖滨"), STREET_FILE, "streets 330102003", "aliases"),
    (_set("communities", "streets", 1, "aliases", [5]), STREET_FILE, "streets 330102003", "aliases"),
    (_set("communities", "streets", 1, "aliases", [["湖滨"]]), STREET_FILE, "streets 330102003", "aliases"),
    (_drop("communities", "streets", 1, "name"), STREET_FILE, "streets 330102003", "name"),
    (_set("communities", "streets", 1, "communities", {}), STREET_FILE, "streets 330102003", "communities"),
    (
        _set("communities", "streets", 0, "communities", 0, "code", "330102003051"),
        STREET_FILE,
        "communities 330102003051",
        "code",
    ),
    (
        _set("communities", "streets", 0, "communities", 0, "code", "33010200105"),
        STREET_FILE,
        "communities 33010200105",
        "code",
    ),
    (
        _repeat("communities", "streets", 0, "communities"),
        STREET_FILE,
        "communities 330102001051",
        "code",
    ),
    (
        _repeat("communities", "streets", 0, "communities", changes={"code": "330102001999"}),
        STREET_FILE,
        "streets 330102001",
        "communities",
    ),
    (_drop("communities", "streets", 0, "communities", 0, "name"), STREET_FILE, "communities 330102001051", "name"),
    (_set("communities", "streets", 0, "communities", 0, "社区"), STREET_FILE, "communities 1", "-"),
    (_drop("communities", "streets", 0, "communities", 0), CLAUSE_FILE, "campaign.expects", "communities"),
    (_set("communities", "district", "code", "330103"), STREET_FILE, "streets 330102001", "code"),
    (_drop("communities", "district"), STREET_FILE, "file", "district"),
    (_drop("communities", "streets"), STREET_FILE, "file", "streets"),
    (_drop("communities"), STREET_FILE, "file", "-"),
    # the campaign
    (_drop("campaign"), CLAUSE_FILE, "campaign", "-"),
    (_drop("campaign", "id"), CLAUSE_FILE, "campaign", "id"),
    (_set("campaign", "id", "sc2021"), CLAUSE_FILE, "campaign", "id"),
    (_set("campaign", "id", "SC2021LONG"), CLAUSE_FILE, "campaign", "id"),
    (_set("campaign", "version", 0), CLAUSE_FILE, "campaign", "version"),
    (_set("campaign", "version", "1"), CLAUSE_FILE, "campaign", "version"),
    (_set("campaign", "version", True), CLAUSE_FILE, "campaign", "version"),
    (_drop("campaign", "from"), CLAUSE_FILE, "campaign", "from"),
    (_set("campaign", "from", "2021-13-01"), CLAUSE_FILE, "campaign", "from"),
    (_set("campaign", "from", 20211201), CLAUSE_FILE, "campaign", "from"),
    (_set("campaign", "until", "soon"), CLAUSE_FILE, "campaign", "until"),
    (_set("campaign", "until", "2022-02-30"), CLAUSE_FILE, "campaign", "until"),
    (_set("campaign", "name", "上城区"), CLAUSE_FILE, "campaign", "name"),
    (_drop("campaign", "name", "en"), CLAUSE_FILE, "campaign.name", "en"),
    (_set("campaign", "name", "zh", ""), CLAUSE_FILE, "campaign.name", "zh"),
    (_set("campaign", "id_number_required", "yes"), CLAUSE_FILE, "campaign", "id_number_required"),
    (_set("campaign", "expects", "streets", 13), CLAUSE_FILE, "campaign.expects", "streets"),
    (_drop("campaign", "expects"), CLAUSE_FILE, "campaign", "expects"),
    (_drop("campaign", "consent_refused"), CLAUSE_FILE, "campaign", "consent_refused"),
    (_drop("campaign", "consent_refused", "code"), CLAUSE_FILE, "campaign.consent_refused", "code"),
    (_drop("campaign", "consents"), CLAUSE_FILE, "campaign", "consents"),
    (_repeat("campaign", "consents"), CLAUSE_FILE, "consents notice", "id"),
    (_drop("campaign", "consents", 0, "version"), CLAUSE_FILE, "consents notice", "version"),
    (_drop("campaign", "consents", 0, "agree"), CLAUSE_FILE, "consents notice", "agree"),
    (_drop("campaign", "consents", 0, "text", "zh"), CLAUSE_FILE, "consents notice.text", "zh"),
    # clauses
    (_set(*CLAUSES, {}), CLAUSE_FILE, "campaign", "clauses"),
    (_repeat(*CLAUSES), CLAUSE_FILE, "clauses age", "id"),
    (_set(*CLAUSES, 1, "id", "age"), CLAUSE_FILE, "clauses age", "id"),
    (_drop(*CLAUSES, 1, "id"), CLAUSE_FILE, "clauses 2", "id"),
    (_set(*CLAUSES, 1, "id", ["district"]), CLAUSE_FILE, "clauses 2", "id"),
    (_set(*CLAUSES, 1, "district"), CLAUSE_FILE, "clauses 2", "-"),
    (_set(*CLAUSES, 1, "kind", "guessed"), CLAUSE_FILE, "clauses district", "kind"),
    (_drop(*CLAUSES, 1, "kind"), CLAUSE_FILE, "clauses district", "kind"),
    (_drop(*CLAUSES, 1, "question"), CLAUSE_FILE, "clauses district", "question"),
    (_drop(*CLAUSES, 1, "text"), CLAUSE_FILE, "clauses district", "text"),
    (_drop(*CLAUSES, 1, "options"), CLAUSE_FILE, "clauses district", "options"),
    (_set(*CLAUSES, 1, "options", []), CLAUSE_FILE, "clauses district", "options"),
    (_repeat(*CLAUSES, 1, "options"), CLAUSE_FILE, "options lives", "value"),
    (_drop(*CLAUSES, 1, "options", 0, "accepted"), CLAUSE_FILE, "options lives", "accepted"),
    (_set(*CLAUSES, 1, "options", 0, "accepted", "yes"), CLAUSE_FILE, "options lives", "accepted"),
    (_set(*CLAUSES, 1, "options", 0, "aliases", "居住"), CLAUSE_FILE, "options lives", "aliases"),
    (_set(*CLAUSES, 1, "options", 0, "aliases", [5]), CLAUSE_FILE, "options lives", "aliases"),
    (_set(*CLAUSES, 3, "options", 0, "accepted", False), CLAUSE_FILE, "clauses vaccinated", "options"),
    (_set(*CLAUSES, 1, "reasons", []), CLAUSE_FILE, "clauses district", "reasons"),
    (_repeat(*CLAUSES, 1, "reasons", changes={"code": "other"}), CLAUSE_FILE, "clauses district", "reasons"),
    (_drop(*CLAUSES, 1, "reasons"), CLAUSE_FILE, "clauses district", "reasons"),
    (_drop(*CLAUSES, 0, "reasons", 1), CLAUSE_FILE, "clauses age", "reasons"),
    (_drop(*CLAUSES, 0, "reasons", 0, "text"), CLAUSE_FILE, "reasons age_under", "text"),
    (_set(*CLAUSES, 0, "rule", "height"), CLAUSE_FILE, "clauses age", "rule"),
    (_drop(*CLAUSES, 0, "rule"), CLAUSE_FILE, "clauses age", "rule"),
    (_set(*CLAUSES, 0, "age_mode", "roughly"), CLAUSE_FILE, "clauses age", "age_mode"),
    (_set(*CLAUSES, 0, "min", -1), CLAUSE_FILE, "clauses age", "min"),
    (_set(*CLAUSES, 0, "max", "45"), CLAUSE_FILE, "clauses age", "max"),
    (_set(*CLAUSES, 4, "from", "2021-12"), CLAUSE_FILE, "clauses health_code", "from"),
    (_set(*CLAUSES, 4, "until", "2022-12-32"), CLAUSE_FILE, "clauses health_code", "until"),
    (_set(*CLAUSES, 4, "daily", 1), CLAUSE_FILE, "clauses health_code", "daily"),
    (_set(*CLAUSES, 4, "health", "yes"), CLAUSE_FILE, "clauses health_code", "health"),
    (_set(*CLAUSES, 1, "asked_with", "lunch"), CLAUSE_FILE, "clauses district", "asked_with"),
    (_set(*CLAUSES, 6, "version", 0), CLAUSE_FILE, "clauses pledge", "version"),
    # duties and posts
    (_repeat("campaign", "duties"), CLAUSE_FILE, "duties temperature", "id"),
    (_drop("campaign", "duties", 0, "text"), CLAUSE_FILE, "duties temperature", "text"),
    (_drop("campaign", "duties"), CLAUSE_FILE, "campaign", "duties"),
    (_drop("campaign", "posts"), CLAUSE_FILE, "campaign", "posts"),
    (_post(community="330102016999"), CLAUSE_FILE, "posts gate", "community"),
    (_post(community="330102016"), CLAUSE_FILE, "posts gate", "community"),
    (_post(duty="cooking"), CLAUSE_FILE, "posts gate", "duty"),
    (_post(wanted=0), CLAUSE_FILE, "posts gate", "wanted"),
    (_post(**{"from": "8 o'clock"}), CLAUSE_FILE, "posts gate", "from"),
    (_post(until="24:30"), CLAUSE_FILE, "posts gate", "until"),
    (_post(until="20:00+08:00"), CLAUSE_FILE, "posts gate", "until"),
    (_post(place="东门"), CLAUSE_FILE, "posts gate", "place"),
]


def damaged(damage: Callable[[Source], None]) -> CampaignError:
    source = campaign_source()
    damage(source)
    with pytest.raises(CampaignError) as raised:
        parse(source)
    return raised.value


@pytest.mark.parametrize(("damage", "file", "entry", "field"), DAMAGE)
def test_damage_is_named_by_file_entry_and_field(damage, file, entry, field):
    error = damaged(damage)
    assert (error.file, error.entry, error.field) == (file, entry, field)
    sentence = str(error)
    assert file in sentence
    if entry != "file":
        assert entry in sentence
        assert field in sentence
    assert "{" not in sentence


@pytest.mark.parametrize(
    ("what", "said", "there"), [("streets", 13, 14), ("communities", 204, 203), ("contacts", 16, 15)]
)
def test_numbers_that_differ_are_both_told(what, said, there):
    error = damaged(_set("campaign", "expects", what, said))
    assert (error.entry, error.field) == ("campaign.expects", what)
    assert str(said) in str(error)
    assert str(there) in str(error)


def test_thirteen_streets_are_too_few():
    source = campaign_source()
    gone = source["communities"]["streets"].pop()
    source["contacts"] = [contact for contact in source["contacts"] if contact["code"] != gone["code"]]
    with pytest.raises(CampaignError) as raised:
        parse(source)
    assert (raised.value.file, raised.value.entry, raised.value.field) == (CLAUSE_FILE, "campaign.expects", "streets")
    assert "13" in str(raised.value)
    source["campaign"]["expects"] = {
        "streets": 13,
        "communities": 203 - len(gone["communities"]),
        "contacts": 14,
    }
    assert len(parse(source).streets) == 13


def _everywhere(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all objects and values, but only of the first three entries of a list."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value[:3]))
    return [path] * bool(path) + [way for key, item in inner for way in _everywhere(item, (*path, key))]


@pytest.mark.parametrize("wrong", [None, 5, "text", [], {}, [[]], [{}], [None], True, ["x", ["y"]]], ids=repr)
def test_no_wrong_value_anywhere_is_another_error(wrong):
    """Whatever stands anywhere, the campaign is either good or one `CampaignError`; a good one answers questions."""
    for path in _everywhere(campaign_source()):
        source = campaign_source()
        _set(*path, wrong)(source)
        try:
            campaign = parse(source)
        except CampaignError as error:
            assert error.file in SHIPPED
            assert error.file in str(error)
        else:
            _asked(campaign)


def _asked(campaign: Campaign) -> None:
    campaign.street("x")
    campaign.community("x")
    campaign.duty("x")
    for clause in campaign.clauses:
        clause.option("x")
    campaign.contact_for("330102999")
