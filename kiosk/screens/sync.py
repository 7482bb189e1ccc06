"""Handing over to headquarters, for the lead: what is not confirmed, how the last try went, and where to."""

from __future__ import annotations

import asyncio
import math
import os.path
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final
from urllib.parse import unquote, urlsplit

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from kiosk.errors import InvalidInput, WrongUsage
from kiosk.i18n import N_, _, ngettext
from kiosk.remote import check_url
from kiosk.station import Station
from kiosk.sync import Standing, read_place, standing
from kiosk.sync_room import State
from kiosk.telling import moment_in_words
from kiosk.trust import KeysError, fingerprint
from kiosk.widgets.bars import Progress
from kiosk.widgets.digits import LargeDigits
from kiosk.widgets.fields import Field
from kiosk.widgets.form import FormPage
from kiosk.widgets.grounds import Beside, Scroll, Stack
from kiosk.widgets.page import Key, Page
from kiosk.wording import duration

if TYPE_CHECKING:
    from kiosk.sync_room import SyncRoom

_TOO_LONG: Final = timedelta(days=1)
"""After so long without a success the lead is told on the roster."""
_LOOK: Final = 0.3
"""Seconds after which the page looks again how things stand."""


def warning(room: SyncRoom | None, station: Station) -> str:
    """What the lead has to know of the handing over, in a sentence; empty if all is well, or it is not wanted here."""
    state = room.state if room is not None else State()
    if not state.place:
        return ""
    if state.copied:
        return _("Somebody else goes on from a copy of this station. F12 tells more.")
    if state.problem:
        return _("Handing over to headquarters has failed the last time. F12 tells why.")
    if state.last_success is not None and station.clock() - state.last_success > _TOO_LONG:
        return _("Nothing was handed over to headquarters for more than a day. F12 tells more.")
    return ""


def check_place(text: str, own: Path) -> None:
    """Makes sure that files can be handed over at a place; empty is nowhere, and whether it is there is not looked at.

    Args:
        text: a folder with its whole path, or a URL.
        own: the data folder, in which nothing else must lie.

    Raises:
        InvalidInput: `place_invalid`.
    """
    scheme, is_url, _rest = text.partition("://")
    try:
        if is_url:
            check_url(text)
    except WrongUsage as error:
        raise InvalidInput("place_invalid", str(error)) from error
    if not text or (is_url and scheme != "file"):
        return
    # From where a kiosk was started is nobody's business, so that a path cannot begin there.
    path = Path(os.path.normpath(unquote(urlsplit(text).path) if is_url else text))
    if not path.is_absolute() or path == path.parent:
        raise InvalidInput("place_invalid", _("Please enter the folder with its whole path, such as /media/stick."))
    if own.absolute() in (path, *path.parents):
        raise InvalidInput("place_invalid", _("This folder is the kiosk's own. Please choose another one."))


class SyncPage(Page[str]):
    """Returns `place` for another place; to hand over now is its own business."""

    idle = 180
    heading = N_("Handing over")
    keys: ClassVar[tuple[Key, ...]] = (
        Key("Enter", N_("Hand over now"), "next"),
        Key("F4", N_("Another place"), "place"),
        Key("F1", N_("Help"), "app.help"),
        Key("Esc", N_("Back"), "back"),
    )
    more: ClassVar[tuple[Key, ...]] = (Key(N_("Up Down PgUp PgDn"), N_("Scroll"), ""),)
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f4", "place", show=False)]

    def __init__(self, station: Station, room: SyncRoom | None, *, note: str = "") -> None:
        """Makes the page.

        Args:
            station: the station.
            room: what hands over in the background; None until it is there.
            note: what went wrong just now.
        """
        super().__init__(station)
        self._room, self._note = room, note
        self._standing: Standing | None = None
        self._told: Standing | None = None
        self._hq = ""

    def content(self) -> Iterable[Widget]:
        with Scroll(id="sync", can_focus=True):
            with Beside(id="sync-count"):
                yield LargeDigits("0", id="sync-unconfirmed")
                with Stack(id="sync-count-text"):
                    yield Static("", markup=False, id="sync-of")
                    yield Static("", markup=False, id="sync-records", classes="quiet")
                    with Stack(id="sync-going"):
                        yield Progress(id="sync-bar")
                        yield Static("", markup=False, id="sync-done")
            for name, label in (
                ("place", _("Where to")),
                ("success", _("Last success")),
                ("problem", _("Last problem")),
                ("next", _("Next try")),
                ("hq", _("Headquarters")),
            ):
                with Beside(id=f"sync-{name}", classes="sync-line"):
                    yield Static(label, markup=False, classes="sync-label")
                    yield Static("", markup=False, classes="sync-value")
            yield Static("", markup=False, id="sync-copied", classes="doubt")

    def on_mount(self) -> None:
        self.set_interval(_LOOK, self._tell)

    def ready(self) -> None:
        self.query_one("#sync").focus()
        self._tell()
        self.say(self._note)
        self.run_worker(self._look(), exclusive=True, group="sync-look")

    async def _look(self) -> None:
        """Counts what is there now, as the room did at its last try; nobody waits for the disk meanwhile."""
        self._hq = await asyncio.to_thread(self._headquarters)
        with suppress(OSError):
            self._standing = await asyncio.to_thread(standing, self.station.folder)
        self._tell()

    def _state(self) -> State:
        return self._room.state if self._room is not None else State(place=read_place(self.station.folder))

    def _tell(self) -> None:
        """Shows how things stand, where that has changed."""
        if not self.built:
            return
        state = self._state()
        if state.standing is not self._told:
            self._standing = self._told = state.standing
        self._tell_count(self._standing)
        self._tell_going(state)
        today = self.station.today()
        at = moment_in_words(state.last_success, today) if state.last_success else ""
        self._tell_line("place", state.place or _("Nowhere: nothing is handed over by itself. F4 sets a place."))
        self._tell_line("success", at or (_("Never until now") if state.place else ""))
        self._tell_line("problem", state.problem)
        self._tell_line("next", _in_words(state.next_try))
        self._tell_line("hq", self._hq)
        copied = _("Another copy of this data folder has gone on, or it is from a backup. Please tell headquarters.")
        self._tell_text("#sync-copied", copied if state.copied else "")

    def _tell_count(self, found: Standing | None) -> None:
        self.query_one("#sync-count").visible = found is not None
        if found is None:
            return
        digits, count = self.query_one("#sync-unconfirmed", LargeDigits), found.unconfirmed
        if digits.text != str(count):
            digits.text = str(count)
            digits.refresh(layout=True)
        digits.set_class(not count, "-all")
        said = ngettext("record is not confirmed by headquarters", "records are not confirmed by headquarters", count)
        self._tell_text("#sync-of", said)
        self._tell_text("#sync-records", _("of {count} in all").format(count=found.records))

    def _tell_going(self, state: State) -> None:
        done, of = state.busy or (0, 0)
        self.query_one("#sync-going").visible = state.busy is not None
        self.query_one("#sync-bar", Progress).show(done, of)
        said = _("Handing over: {done} of {count} segments").format(done=done, count=of) if of else _("Looking ...")
        self._tell_text("#sync-done", said if state.busy is not None else "")

    def _tell_line(self, name: str, said: str) -> None:
        self.query_one(f"#sync-{name}").display = bool(said)
        self._tell_text(f"#sync-{name} .sync-value", said)

    def _tell_text(self, where: str, said: str) -> None:
        text = self.query_one(where, Static)
        if text.content != said:
            text.update(said)

    def _headquarters(self) -> str:
        """By what headquarters is known here."""
        keys = self.station.keys
        if not keys.knows_hq:
            return _("Without its keys here nothing can be confirmed.")
        try:
            return _("Fingerprint {fingerprint}").format(fingerprint=fingerprint(keys.hq))
        except KeysError as error:
            return str(error)

    def action_next(self) -> None:
        if not self._state().place:
            self.say(_("There is no place to hand over to yet. Please press F4."))
        elif self._room is None:
            self.say(_("One moment please ..."), wrong=False)
        else:
            self.say("")
            self._room.now()
            self._tell()

    def action_place(self) -> None:
        self.dismiss("place")


def _in_words(seconds: float | None) -> str:
    """When the next try comes by itself."""
    if seconds is None:
        return ""
    minutes = math.ceil(seconds / 60)
    return _("In {duration}").format(duration=duration(minutes)) if minutes > 1 else _("Within a minute")


class SyncPlacePage(FormPage[str]):
    """Returns the folder or URL that was entered; empty for none."""

    idle = 180
    heading = N_("Where to hand over?")

    def __init__(self, station: Station, place: str) -> None:
        """Makes the page.

        Args:
            station: the station.
            place: where to until now.
        """
        super().__init__(station, typed={"place": place})

    def content(self) -> Iterable[Widget]:
        for said in (
            _("A stick or a folder: /media/stick/kiosk"),
            _("A server: sftp://, webdav://, webdavs:// or s3://"),
            _("User and password do not stand here, but in the file sync-credentials.json."),
        ):
            yield Static(said, markup=False, classes="fact")
        hint = _("Empty: nothing is handed over by itself")
        yield Field("place", _("Place"), self.typed["place"], self._check, hint=hint, length=400)

    def _check(self, text: str) -> None:
        check_place(text.strip(), self.station.folder)

    async def complete(self) -> None:
        self.dismiss(self.typed["place"].strip())
