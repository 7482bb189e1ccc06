"""The station's keys: sign, seal personal data, recognise a person, and the lead's PIN.

Personal data is sealed to the lead's age key (and to headquarters' once known); the station itself cannot open it.
The lead's key is wrapped by a passphrase that only the lead has. It knows nothing of records or volunteers.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kiosk.canonical import is_as_written, parse_json, with_sum
from kiosk.durable import make_folder, write_durably
from kiosk.errors import RecordError
from kiosk.i18n import _
from kiosk.records import ALPHABET, canonical, in_fives, moment, timestamp
from kiosk.trust import Directory, KeysError, read_hq_keys

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# RFC 9106 leaves the choice to the use; these are OWASP's minimum for Argon2id.
_MEMORY_KIB: Final = 19 * 1024
_PASSES: Final = 2
_FREE_TRIES: Final = 3
_LONGEST_WAIT: Final = timedelta(minutes=15)
PIN_DIGITS: Final = 6
_PIN: Final = ("salt", "hash", "failed", "wait")
MARKED: Final = {"station.key": "key", "station.secret": "secret", "lead.pub": "lead", "lead.age": "lead_age"}
"""The key files that a note in the log tells of, and what it calls what it says of each."""
_KEY: Final = re.compile(rb"[0-9a-f]{64}\Z")
_RECIPIENT: Final = re.compile(rb"age1[02-9ac-hj-np-z]{58}\Z")
_WRAPPED: Final = re.compile(rb"age-encryption\.org/v1\n-> scrypt ")
"""How an age file begins that a passphrase opens."""


def _argon2id(text: bytes, salt: bytes, secret: bytes | None = None) -> bytes:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    kdf = Argon2id(salt=salt, length=32, iterations=_PASSES, lanes=1, memory_cost=_MEMORY_KIB, secret=secret)
    return kdf.derive(text)


def _folded(pin: str) -> str:
    # A Chinese input method may type digits of full width.
    return unicodedata.normalize("NFKC", pin).strip()


def new_passphrase(entropy: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """Five groups of five letters and digits without look-alikes, about 124 bits, to be written down by hand."""
    letters: list[str] = []
    while len(letters) < 25:
        value = entropy(1)[0]
        if value < len(ALPHABET) * 8:
            letters.append(ALPHABET[value % len(ALPHABET)])
    return in_fives("".join(letters))


def new_pin(entropy: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """Six random digits."""
    return f"{int.from_bytes(entropy(8), 'big') % 10**PIN_DIGITS:0{PIN_DIGITS}d}"


def _left(state: Mapping[str, Any], now: datetime) -> timedelta:
    return max(timedelta(), moment(state["wait"]) - now) if state["wait"] else timedelta()


class Keys:
    """The folder `keys/` of a station. Nothing is read before it is needed.

    `was_withdrawn` says whether the station's key was renewed since headquarters had withdrawn it.
    """

    def __init__(self, folder: Path, temporary: Path) -> None:
        """Names the folder.

        Args:
            folder: where the keys lie.
            temporary: a folder on the same file system for files in the making.
        """
        self._folder = folder
        self._temporary = temporary
        self._fresh: dict[str, bytes] = {}
        self._known: tuple[bytes, Directory] | None = None
        self.was_withdrawn = False

    @classmethod
    def create(
        cls,
        folder: Path,
        temporary: Path,
        *,
        pin: str,
        passphrase: str,
        hq: Mapping[str, str] | None = None,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> Keys:
        """Makes a station's keys.

        Args:
            folder: where they are to lie.
            temporary: a folder on the same file system.
            pin: the lead's PIN.
            passphrase: wraps the lead's key; it is kept nowhere.
            hq: headquarters' public keys, if known.
            entropy: gives n random bytes (the lead's key always comes from the system's).

        Raises:
            OSError: if they cannot be written.
        """
        from pyrage import passphrase as by_passphrase
        from pyrage import x25519

        make_folder(folder)
        keys = cls(folder, temporary)
        lead = x25519.Identity.generate()
        keys._write("station.key", entropy(32).hex().encode())
        keys._write("station.secret", entropy(32).hex().encode())
        keys._write("lead.pub", str(lead.to_public()).encode())
        keys._write("lead.age", by_passphrase.encrypt(str(lead).encode(), passphrase))
        if hq:
            keys._write("hq.json", canonical(dict(hq)))
        keys.set_pin(pin, entropy=entropy)
        return keys

    def _write(self, name: str, content: bytes) -> None:
        write_durably(self._folder / name, content, self._temporary)

    def _read(self, name: str) -> bytes:
        if name in self._fresh:
            return self._fresh[name]
        try:
            return (self._folder / name).read_bytes()
        except OSError as error:
            raise KeysError(_("The key file {file} cannot be read.").format(file=name)) from error

    # --- checking ---------------------------------------------------------------------------------------------------

    def marks(self, files: Iterable[str] = MARKED) -> dict[str, str]:
        """What the log keeps of these key files, so that it can be told later whether they are still the same.

        None of it is a secret or helps to guess one: public keys, the hash of a file that is encrypted, and a keyed
        hash of a fixed text.

        Raises:
            KeysError: if one of them cannot be read.
        """
        return {MARKED[name]: self._mark(name) for name in files}

    def _mark(self, name: str) -> str:
        if name == "station.key":
            return self.public.hex()
        if name == "station.secret":
            return self._derived("check").hex()
        content = self._read(name)
        return content.decode(errors="replace") if name == "lead.pub" else hashlib.sha256(content).hexdigest()

    def problems(self, noted: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Files of the folder with which something is wrong, and what, in a sentence; it looks only.

        Args:
            noted: what the log says of the keys, as `marks` gave it; what it lacks is not compared.
        """
        forms = {"station.key": _KEY, "station.secret": _KEY, "lead.pub": _RECIPIENT, "lead.age": _WRAPPED}
        for name, form in forms.items():
            try:
                said = self._mark(name) if form.match(self._read(name)) else None
            except (KeysError, ValueError):
                said = None
            if said is None:
                yield name, _("The key file cannot be read.")
            elif noted.get(MARKED[name], said) != said:
                yield name, _("This is not the key that the log names.")
        parts: dict[str, Callable[[], object]] = {
            "pin.json": self._pin_state,
            "hq.json": lambda: self.knows_hq and read_hq_keys(self._folder / "hq.json"),
            "directory.json": self.directory,
        }
        for name, read in parts.items():
            try:
                read()
            except KeysError as error:
                yield name, str(error)

    # --- going on without -------------------------------------------------------------------------------------------

    def renew(self, noted: Mapping[str, Any], entropy: Callable[[int], bytes] = secrets.token_bytes) -> Sequence[str]:
        """Replaces in memory what volunteers cannot be served without and cannot be read; returns the files' names.

        A key or secret of the station is made anew, a key also where headquarters has withdrawn it, since somebody else
        may have it; the lead's public key comes from the log. A secret that can be read and is not what the log names
        is returned, too, to be named there; to look at a key takes too long for a start.

        Args:
            noted: what the log says of the keys, as `marks` gave it.
            entropy: gives n random bytes.
        """
        for name in ("station.key", "station.secret"):
            if not _KEY.fullmatch(self._found(name)):
                self._fresh[name] = entropy(32).hex().encode()
        if self.is_withdrawn:
            self.was_withdrawn = True
            self._fresh["station.key"] = entropy(32).hex().encode()
            del self.__dict__["public"], self.__dict__["_signing_key"]
        others = [] if self.is_noted("station.secret", noted) else ["station.secret"]
        lead = noted.get(MARKED["lead.pub"])
        if isinstance(lead, str) and self._found("lead.pub") != lead.encode():
            self._fresh["lead.pub"] = lead.encode()
        return (*self._fresh, *others)

    def is_noted(self, name: str, noted: Mapping[str, Any]) -> bool:
        """Whether the log says of a key file what it is, or nothing; or whether it is to be replaced."""
        return name in self._fresh or noted.get(MARKED[name], mark := self._mark(name)) == mark

    def _found(self, name: str) -> bytes:
        try:
            return self._read(name)
        except KeysError:
            return b""

    def keep_renewed(self, set_aside: Callable[[Path], None]) -> None:
        """Writes what was renewed, once the log names it.

        Args:
            set_aside: is given each file that is about to be replaced.

        Raises:
            OSError: if that fails; the next call goes on with it.
        """
        for name in tuple(self._fresh):
            if (self._folder / name).exists() and not (name == "station.key" and self.was_withdrawn):
                set_aside(self._folder / name)
            make_folder(self._folder)
            self._write(name, self._fresh[name])
            del self._fresh[name]

    # --- signing ----------------------------------------------------------------------------------------------------

    @cached_property
    def _signing_key(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        try:
            return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(self._read("station.key").decode()))
        except ValueError as error:
            raise KeysError(_("The key file {file} cannot be read.").format(file="station.key")) from error

    @cached_property
    def public(self) -> bytes:
        """The station's public key, 32 bytes."""
        return self._signing_key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """The station's Ed25519 signature of `message`, 64 bytes."""
        return self._signing_key.sign(message)

    # --- other stations ---------------------------------------------------------------------------------------------

    def directory(self) -> Directory:
        """The stations that headquarters has named; nobody where it has not, or not yet.

        Raises:
            KeysError: if there is a directory that headquarters did not sign.
        """
        try:
            content = (self._folder / "directory.json").read_bytes()
        except FileNotFoundError:
            return Directory()
        except OSError as error:
            raise KeysError(_("The key file {file} cannot be read.").format(file="directory.json")) from error
        if self._known is None or self._known[0] != content:  # it may have been replaced beside a running kiosk
            self._known = (content, Directory.read(content, self.hq))
        return self._known[1]

    @property
    def hq(self) -> bytes:
        """Headquarters' public key, 32 bytes.

        Raises:
            KeysError: if it is not known.
        """
        return base64.b64decode(read_hq_keys(self._folder / "hq.json")["ed25519"])

    @property
    def knows_hq(self) -> bool:
        """Whether headquarters' public keys are here, be they good or not."""
        return (self._folder / "hq.json").exists()

    def encrypt_to_hq(self, content: bytes) -> tuple[bool, bytes]:
        """What only headquarters can read, in age's form, and True; the content as it is, and False, without its keys.

        Raises:
            KeysError: if the file with its keys is damaged: nothing goes out in clear for that.
        """
        from pyrage import encrypt, x25519

        if not self.knows_hq:
            return False, content
        told = read_hq_keys(self._folder / "hq.json")
        return True, encrypt(content, [x25519.Recipient.from_str(told.get("post", told["age"]))])

    def take_hq(self, path: Path) -> None:
        """Takes in headquarters' public keys, brought by hand, where none are known yet.

        Raises:
            KeysError: if the file does not hold them, or others are known: whom a station believes is never exchanged.
            OSError: if they could not be made durable.
        """
        told = read_hq_keys(path)
        if self.knows_hq:
            if read_hq_keys(self._folder / "hq.json") != told:
                raise KeysError(_("This station knows other keys of headquarters, and never changes them."))
            return
        self._write("hq.json", canonical(told))

    def others(self) -> Directory:
        """The same, or nobody where headquarters did not sign it: it counts for nothing, and `problems` names it."""
        try:
            return self.directory()
        except KeysError:
            return Directory()

    @property
    def is_withdrawn(self) -> bool:
        """Whether headquarters lets the station's key count no more."""
        withdrawn = self.others().withdrawn
        return bool(withdrawn) and self.public in withdrawn

    def take_directory(self, content: bytes) -> Directory:
        """Takes in a directory as headquarters hands it out, unless a newer one is here.

        Returns:
            The one that counts now.

        Raises:
            KeysError: if headquarters' key is not known here, or did not sign it.
            OSError: if it could not be made durable.
        """
        if not self.knows_hq:
            raise KeysError(_("This station does not know the keys of headquarters yet."))
        told, known = Directory.read(content, self.hq), self.others()
        if told.number <= known.number:
            return known
        self._write("directory.json", content)
        return told

    # --- sealing ----------------------------------------------------------------------------------------------------

    @property
    def _recipients(self) -> list[Any]:
        # Asked each time: headquarters may become known beside a running kiosk.
        from pyrage import RecipientError, x25519

        named = [self._found("lead.pub").decode(errors="replace")]
        with suppress(KeysError):
            named.append(read_hq_keys(self._folder / "hq.json")["age"])
        found = []
        for name in named:
            with suppress(RecipientError):
                found.append(x25519.Recipient.from_str(name))
        if not found:
            raise KeysError(_("The key file {file} cannot be read.").format(file="lead.pub"))
        return found

    def seal(self, secret: Mapping[str, str]) -> str:
        """The age ciphertext (base64) of a JSON object, to the lead and, once known, to headquarters."""
        from pyrage import encrypt

        return base64.b64encode(encrypt(canonical(dict(secret)), self._recipients)).decode()

    @staticmethod
    def is_for_two(sealed: str) -> bool:
        """Whether something was sealed to headquarters besides the lead: an age file tells how many can open it."""
        header = base64.b64decode(sealed).partition(b"\n---")[0]
        return header.count(b"\n-> X25519 ") > 1

    def open_sealed(self, sealed: str, passphrase: str) -> dict[str, str]:
        """What was sealed, opened with the lead's passphrase.

        Raises:
            KeysError: if the passphrase is not the lead's, or the content was not sealed to the lead.
        """
        (found,) = self.open_all([sealed], passphrase)
        return found

    def open_all(self, sealed: Iterable[str], passphrase: str) -> list[dict[str, str]]:
        """The same for several, for the price of one.

        Raises:
            KeysError: if the passphrase is not the lead's, or one was not sealed to the lead.
        """
        import pyrage

        identity = pyrage.x25519.Identity.from_str(self._lead_identity(passphrase))
        try:
            return [json.loads(pyrage.decrypt(base64.b64decode(each), [identity])) for each in sealed]
        except (pyrage.DecryptError, ValueError) as error:
            raise KeysError(_("This passphrase does not open it.")) from error

    def _lead_identity(self, passphrase: str) -> str:
        """The lead's age identity, unwrapped; slow on purpose (scrypt).

        Raises:
            KeysError: if the passphrase is not the lead's.
        """
        import pyrage

        letters = "".join(_folded(passphrase).upper().replace("-", "").split())
        for written in (passphrase, in_fives(letters)):  # as it was given, or as people copy it from paper
            try:
                identity: str = pyrage.passphrase.decrypt(self._read("lead.age"), written).decode()
                return identity
            except (pyrage.DecryptError, ValueError):
                continue
        raise KeysError(_("This passphrase does not open it."))

    # --- recognising ------------------------------------------------------------------------------------------------

    def _derived(self, purpose: str) -> bytes:
        return hmac.digest(bytes.fromhex(self._read("station.secret").decode()), purpose.encode(), "sha256")

    @cached_property
    def _person_secrets(self) -> tuple[bytes, bytes]:
        return self._derived("person salt")[:16], self._derived("person secret")

    def person(self, id_number: str) -> str:
        """By what the station recognises an ID number: slow to try out, and worthless without the station's secret."""
        salt, secret = self._person_secrets
        return _argon2id(id_number.encode(), salt, secret).hex()

    @cached_property
    def _row_secret(self) -> bytes:
        return self._derived("row")

    def row_key(self, row: Mapping[str, str]) -> str:
        """By what the station recognises an imported row: a keyed hash (HMAC-SHA256) of its canonical JSON."""
        return hmac.new(self._row_secret, canonical(dict(row)), hashlib.sha256).hexdigest()

    # --- the lead's PIN ---------------------------------------------------------------------------------------------

    def set_pin(self, pin: str, *, entropy: Callable[[int], bytes] = secrets.token_bytes) -> None:
        """Sets the lead's PIN and forgets failed tries.

        Raises:
            KeysError: if it is not six digits.
        """
        pin = _folded(pin)
        if len(pin) != PIN_DIGITS or not (pin.isascii() and pin.isdigit()):
            raise KeysError(_("The PIN must have {count} digits.").format(count=PIN_DIGITS))
        salt = entropy(16)
        self._write_pin({"salt": salt.hex(), "hash": _argon2id(pin.encode(), salt).hex(), "failed": 0, "wait": None})

    def reset_pin(self, passphrase: str, pin: str, *, entropy: Callable[[int], bytes] = secrets.token_bytes) -> None:
        """Sets a new PIN for whoever has the passphrase, and forgets failed tries. Takes a second or two, on purpose.

        Raises:
            KeysError: if the passphrase is not the lead's, or the PIN is not six digits.
        """
        self._lead_identity(passphrase)
        self.set_pin(pin, entropy=entropy)

    def _write_pin(self, state: Mapping[str, Any]) -> None:
        self._write("pin.json", canonical(with_sum(state)))

    def _count(self, state: Mapping[str, Any]) -> None:
        try:
            self._write_pin(state)
        except OSError as error:
            raise KeysError(_("The PIN cannot be checked now: nothing can be written.")) from error

    def pin_wait(self, now: datetime) -> timedelta:
        """How long the lead has to wait before the next try."""
        return min(_left(self._pin_state(), now), _LONGEST_WAIT)

    def _pin_state(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = parse_json(self._read("pin.json"))
            state = {name: found[name] for name in _PIN}
            whole = len(bytes.fromhex(state["salt"])) == 16 and len(bytes.fromhex(state["hash"])) == 32
            if not (whole and is_as_written(found, _PIN)) or type(state["failed"]) is not int or state["failed"] < 0:
                raise ValueError("pin.json")
            if state["wait"] is not None:
                moment(state["wait"])
            return state
        except (ValueError, KeyError, TypeError, RecordError) as error:
            raise KeysError(_("The key file {file} cannot be read.").format(file="pin.json")) from error

    def check_pin(self, pin: str, now: datetime) -> bool:
        """Whether `pin` is the lead's. From the third wrong try on, each doubles the wait; it survives a restart.

        The count is written before the answer is given, so that pulling the plug buys no try.
        """
        state = self._pin_state()
        left = _left(state, now)
        if left > _LONGEST_WAIT:
            # The clock was set back. That buys no try, and it shuts nobody out for years: the longest wait begins now.
            self._count({**state, "wait": timestamp(now + _LONGEST_WAIT)})
        if left:
            return False
        failed = state["failed"] + 1
        over = failed - _FREE_TRIES
        # Past a few doublings the longest wait holds; the power itself would soon be more than a timedelta can hold.
        wait = min(timedelta(seconds=15 * 2 ** min(over, 10)), _LONGEST_WAIT) if over >= 0 else None
        self._count({**state, "failed": failed, "wait": timestamp(now + wait) if wait else None})
        right = hmac.compare_digest(_argon2id(_folded(pin).encode(), bytes.fromhex(state["salt"])).hex(), state["hash"])
        if right:
            self._count({**state, "failed": 0, "wait": None})
        return right
