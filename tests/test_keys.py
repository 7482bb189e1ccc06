"""Keys: what is sealed opens for whom it should, a person is recognised, and the PIN cannot be tried out.

The keys of a station cost seconds to make and to try (scrypt). But for the one test that is about that, they are made
once and wrapped lightly, and each test has a copy of the folder.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pyrage
import pytest

from kiosk.errors import KioskError
from kiosk.keys import Keys, new_passphrase, new_pin
from kiosk.records import ALPHABET
from kiosk.trust import KeysError, read_hq_keys, verify
from tests.factories import at, id_number
from tests.wrapping import lightly

PIN = "246813"
PASSPHRASE = "TREES-GRAZE-23456-789AB-CDEFG"
NOW = at("08:00")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    (folder / "tmp").mkdir()
    with lightly():
        Keys.create(folder / "keys", folder / "tmp", pin=PIN, passphrase=PASSPHRASE)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path


def opened(folder: Path) -> Keys:
    return Keys(folder / "keys", folder / "tmp")


@pytest.fixture
def keys(folder: Path) -> Keys:
    return opened(folder)


# --- the folder -----------------------------------------------------------------------------------------------------


def test_the_folder_is_the_owner_s_alone(folder):
    files = {path.name for path in (folder / "keys").iterdir()}
    assert files == {"station.key", "station.secret", "lead.pub", "lead.age", "pin.json"}
    assert (folder / "keys").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in (folder / "keys").iterdir())
    assert list((folder / "tmp").iterdir()) == []


def test_no_secret_of_the_lead_is_kept(folder):
    content = b"".join(path.read_bytes() for path in (folder / "keys").iterdir())
    assert PASSPHRASE.encode() not in content
    assert b"AGE-SECRET-KEY" not in content
    assert PIN.encode() not in (folder / "keys" / "pin.json").read_bytes()


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("station.key", lambda keys: keys.sign(b"x")),
        ("station.secret", lambda keys: keys.person("x")),
        ("lead.pub", lambda keys: keys.seal({})),
        ("lead.age", lambda keys: keys.open_sealed("", PASSPHRASE)),
        ("pin.json", lambda keys: keys.check_pin(PIN, NOW)),
    ],
)
def test_a_missing_key_file_is_named(folder, name, use):
    (folder / "keys" / name).unlink()
    with pytest.raises(KeysError) as raised:
        use(opened(folder))
    assert name in str(raised.value)
    assert isinstance(raised.value, KioskError)


# --- signing --------------------------------------------------------------------------------------------------------


def test_a_signature_holds_for_its_message_and_key(keys, folder):
    signature = keys.sign(b"message")
    assert (len(signature), len(keys.public)) == (64, 32)
    assert verify(keys.public, b"message", signature)
    assert verify(opened(folder).public, b"message", signature)
    assert not verify(keys.public, b"messagf", signature)
    assert not verify(bytes(reversed(keys.public)), b"message", signature)
    for place in (0, 31, 32, 63):
        changed = bytearray(signature)
        changed[place] ^= 1
        assert not verify(keys.public, b"message", bytes(changed))


@pytest.mark.parametrize("public", [b"", b"short", bytes(33)])
def test_what_is_no_key_verifies_nothing(keys, public):
    assert not verify(public, b"message", keys.sign(b"message"))
    assert not verify(keys.public, b"message", public)


# --- sealing --------------------------------------------------------------------------------------------------------

SECRET = {"phone": "19900000000", "id_number": id_number(), "birth_date": "1995-05-20"}


def test_sealing_opens_only_with_the_passphrase(keys, folder):
    sealed = keys.seal(SECRET)
    raw = base64.b64decode(sealed, validate=True)
    assert b"19900000000" not in raw
    assert keys.seal(SECRET) != sealed
    assert opened(folder).open_sealed(sealed, PASSPHRASE) == SECRET
    with pytest.raises(KeysError):
        keys.open_sealed(sealed, new_passphrase())


def test_a_passphrase_is_slow_to_try_out(tmp_path):
    keys = Keys.create(tmp_path / "keys", tmp_path, pin=PIN, passphrase=PASSPHRASE)
    kind, _salt, work = (tmp_path / "keys" / "lead.age").read_bytes().split(b"\n")[1].removeprefix(b"-> ").split()
    assert kind == b"scrypt"
    assert int(work) >= 14  # age chooses what takes this machine a second, busy as it may be just now
    assert keys.open_sealed(keys.seal(SECRET), PASSPHRASE) == SECRET


@pytest.fixture
def unwrapped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A station whose lead's key needs no scrypt to be unwrapped, where that is not the point."""
    lead = pyrage.x25519.Identity.generate()
    (folder / "keys" / "lead.pub").write_text(str(lead.to_public()))
    (folder / "keys" / "lead.age").write_text(str(lead))
    monkeypatch.setattr("pyrage.passphrase.decrypt", lambda content, _passphrase: content)
    return folder


@pytest.mark.parametrize("kind", ["another key", "no base64", "no age"])
def test_what_was_not_sealed_to_the_lead_does_not_open(unwrapped, kind):
    stranger = pyrage.x25519.Identity.generate().to_public()
    sealed = {
        "another key": base64.b64encode(pyrage.encrypt(b"{}", [stranger])).decode(),
        "no base64": "!",
        "no age": base64.b64encode(b"plain").decode(),
    }[kind]
    with pytest.raises(KeysError):
        opened(unwrapped).open_sealed(sealed, PASSPHRASE)


def hq_file(folder: Path) -> tuple[Path, pyrage.x25519.Identity, dict[str, str]]:
    identity = pyrage.x25519.Identity.generate()
    public = {"age": str(identity.to_public()), "ed25519": base64.b64encode(bytes(32)).decode()}
    path = folder / "hq.json"
    path.write_text(json.dumps({**public, "name": "上城区"}), encoding="utf-8")
    return path, identity, public


def test_headquarters_is_a_recipient_once_known(unwrapped):
    before = base64.b64decode(opened(unwrapped).seal(SECRET))
    path, identity, public = hq_file(unwrapped)
    assert read_hq_keys(path) == public
    (unwrapped / "keys" / "hq.json").write_text(json.dumps(read_hq_keys(path)))
    sealed = opened(unwrapped).seal(SECRET)
    assert json.loads(pyrage.decrypt(base64.b64decode(sealed), [identity])) == SECRET
    assert opened(unwrapped).open_sealed(sealed, PASSPHRASE) == SECRET
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(before, [identity])


def test_keys_may_be_made_with_headquarters_known(tmp_path, monkeypatch):
    monkeypatch.setattr("pyrage.passphrase.encrypt", lambda content, _passphrase: content)  # scrypt is not the point
    _, identity, public = hq_file(tmp_path)
    keys = Keys.create(tmp_path / "keys", tmp_path, pin=PIN, passphrase=PASSPHRASE, hq=public)
    assert json.loads((tmp_path / "keys" / "hq.json").read_text()) == public
    assert json.loads(pyrage.decrypt(base64.b64decode(keys.seal(SECRET)), [identity])) == SECRET


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"{}",
        b'{"age": "age1nothing", "ed25519": ""}',
        b'{"age": 5, "ed25519": 5}',
        b"short",
        b"padding",
        b"secret",
    ],
)
def test_a_wrong_file_of_headquarters_is_named(tmp_path, content):
    path, identity, public = hq_file(tmp_path)
    changed = {
        b"short": {**public, "ed25519": base64.b64encode(bytes(31)).decode()},
        b"padding": {**public, "ed25519": public["ed25519"] + "!"},
        b"secret": {**public, "age": str(identity)},
    }
    if content is None:
        path.unlink()
    elif content in changed:
        path.write_text(json.dumps(changed[content]))
    else:
        path.write_bytes(content)
    with pytest.raises(KeysError) as raised:
        read_hq_keys(path)
    assert str(path) in str(raised.value)
    assert str(identity) not in str(raised.value)


# --- recognising ----------------------------------------------------------------------------------------------------


def test_a_person_is_recognised_again_only_with_the_station_s_secret(keys, folder):
    person = keys.person(id_number())
    assert re.fullmatch(r"[0-9a-f]{64}", person)
    assert opened(folder).person(id_number()) == person
    assert keys.person(id_number(order=1)) != person
    secret = folder / "keys" / "station.secret"
    secret.write_text(f"{int(secret.read_text(), 16) ^ 1:064x}")
    assert opened(folder).person(id_number()) != person
    (folder / "keys" / "station.key").unlink()  # the signing key has no part in it
    assert len(opened(folder).person(id_number())) == 64


def test_a_person_is_slow_to_try_out(keys, monkeypatch):
    """19 MiB and 2 passes of Argon2id, with salt and secret from the station's secret alone."""
    from cryptography.hazmat.primitives.kdf import argon2

    seen = []
    real = argon2.Argon2id

    def noted(**asked):
        seen.append(asked)
        return real(**asked)

    monkeypatch.setattr(argon2, "Argon2id", noted)
    keys.person(id_number())
    (asked,) = seen
    assert (asked["memory_cost"], asked["iterations"]) == (19 * 1024, 2)
    assert len(asked["secret"]) == 32
    assert len(asked["salt"]) >= 16


def test_a_row_is_recognised_again_only_with_the_station_s_secret(keys, folder):
    row = {"name": "林小满", "phone": "19900000000"}
    key = keys.row_key(row)
    assert opened(folder).row_key(dict(reversed(row.items()))) == key
    assert keys.row_key({**row, "name": "宋知远"}) != key
    (folder / "keys" / "station.secret").write_text("00" * 32)
    assert opened(folder).row_key(row) != key


# --- the lead's PIN -------------------------------------------------------------------------------------------------


def tried(folder: Path, pin: str, now: datetime) -> bool:
    """Each try is that of a process that has just been started."""
    return opened(folder).check_pin(pin, now)


def test_the_right_pin(folder):
    assert tried(folder, PIN, NOW)
    assert not tried(folder, "246814", NOW)
    assert not tried(folder, "", NOW)
    assert tried(folder, PIN, NOW)


def test_waits_grow_and_survive_a_restart(folder):
    now = NOW
    waits = []
    for _ in range(11):
        assert not tried(folder, "000000", now)
        wait = opened(folder).pin_wait(now)
        waits.append(wait.total_seconds())
        now += wait
    assert waits == [0, 0, 15, 30, 60, 120, 240, 480, 900, 900, 900]


def test_while_waiting_nothing_is_tried(folder):
    for _ in range(3):
        tried(folder, "000000", NOW)
    almost = NOW + timedelta(seconds=14, milliseconds=999)
    assert not tried(folder, PIN, almost)
    state = (folder / "keys" / "pin.json").read_bytes()
    assert not tried(folder, "000000", almost)
    assert (folder / "keys" / "pin.json").read_bytes() == state  # a try that is not looked at costs nothing
    assert opened(folder).pin_wait(almost) == timedelta(milliseconds=1)
    assert tried(folder, PIN, NOW + timedelta(seconds=15))


def test_a_clock_that_is_set_back_buys_no_try(folder):
    for _ in range(5):
        tried(folder, "000000", NOW)
    waits, before = opened(folder).pin_wait(NOW), NOW - timedelta(days=400)
    assert opened(folder).pin_wait(before) >= waits > timedelta()
    assert opened(folder).pin_wait(before) <= timedelta(minutes=15)
    assert not tried(folder, PIN, before)


def test_a_clock_that_was_ahead_and_is_put_right_shuts_nobody_out(folder):
    for _ in range(3):
        tried(folder, "000000", NOW + timedelta(days=1500))
    assert not tried(folder, PIN, NOW)
    almost, over = (NOW + timedelta(minutes=15, seconds=by) for by in (-1, 0))
    assert not tried(folder, PIN, almost), "the longest wait, from when the clock was seen to be back"
    assert opened(folder).pin_wait(almost) == timedelta(seconds=1)
    assert tried(folder, PIN, over)


def test_the_right_pin_ends_the_waits(folder):
    for _ in range(3):
        tried(folder, "000000", NOW)
    later = NOW + timedelta(seconds=15)
    assert tried(folder, PIN, later)
    assert opened(folder).pin_wait(later) == timedelta()
    assert [tried(folder, pin, later) for pin in ("000000", "000000", PIN)] == [False, False, True]


def test_the_count_is_written_before_the_answer(folder, monkeypatch):
    """Pulling the plug while the PIN is looked at buys no try."""

    def unplugged(*_arguments):
        raise KeyboardInterrupt

    for _ in range(2):
        tried(folder, "000000", NOW)
    with monkeypatch.context() as patched:
        patched.setattr("kiosk.keys._argon2id", unplugged)
        with pytest.raises(KeyboardInterrupt):
            tried(folder, PIN, NOW)
    assert opened(folder).pin_wait(NOW) == timedelta(seconds=15)


def test_no_number_of_wrong_tries_locks_the_lead_out_for_good(folder):
    path = folder / "keys" / "pin.json"
    state = json.loads(path.read_text())
    del state["sum"]
    path.write_text(json.dumps({**state, "failed": 5000}))
    assert not tried(folder, "000000", NOW)
    assert opened(folder).pin_wait(NOW) == timedelta(minutes=15)
    assert tried(folder, PIN, NOW + timedelta(minutes=15))


def test_a_new_pin_replaces_the_old_and_its_waits(folder):
    for _ in range(3):
        tried(folder, "000000", NOW)
    opened(folder).set_pin("112233")
    assert opened(folder).pin_wait(NOW) == timedelta()
    assert tried(folder, "112233", NOW)
    assert not tried(folder, PIN, NOW)


def test_a_pin_may_be_typed_in_full_width(folder):
    opened(folder).set_pin("１１２２３３")
    assert tried(folder, "112233", NOW)
    assert tried(folder, "１１２２33", NOW)


@pytest.mark.parametrize("pin", ["", "12345", "1234567", "12345a", "１２３４５", "12 456", "-12345"])
def test_a_pin_has_six_digits(folder, pin):
    before = (folder / "keys" / "pin.json").read_bytes()
    with pytest.raises(KeysError) as raised:
        opened(folder).set_pin(pin)
    assert "6" in str(raised.value)
    assert (folder / "keys" / "pin.json").read_bytes() == before


def test_the_same_pin_is_never_kept_the_same_way(folder):
    kept = []
    for _ in range(2):
        opened(folder).set_pin(PIN)
        kept.append(json.loads((folder / "keys" / "pin.json").read_text()))
    assert kept[0]["salt"] != kept[1]["salt"]
    assert kept[0]["hash"] != kept[1]["hash"]


# --- secrets to be written down -------------------------------------------------------------------------------------


def test_new_passphrases_and_pins():
    passphrases = {new_passphrase() for _ in range(50)}
    assert len(passphrases) == 50
    letters = f"[{ALPHABET}]{{5}}"
    assert all(re.fullmatch("-".join([letters] * 5), passphrase) for passphrase in passphrases)
    pins = {new_pin() for _ in range(50)}
    assert len(pins) > 45
    assert all(re.fullmatch("[0-9]{6}", pin) for pin in pins)
    assert new_pin(bytes) == "000000"


def test_no_byte_favours_a_letter_of_the_passphrase():
    drawn = iter([*range(248, 256), *range(248)])
    letters = "".join(new_passphrase(lambda _n: bytes([next(drawn)])).replace("-", "") for _ in range(9))
    counts = [letters.count(letter) for letter in ALPHABET]
    assert max(counts) - min(counts) <= 1
