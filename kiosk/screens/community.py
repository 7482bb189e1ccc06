"""The choice of a community by a part of its name or its street's, for the lead."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.widget import Widget
from textual.widgets import Input, Static

from kiosk import places
from kiosk.campaign import Community
from kiosk.i18n import N_, _
from kiosk.screens.address import CommunityPicker, community_row
from kiosk.station import Station
from kiosk.widgets.options import Options
from kiosk.widgets.page import Key, Page


class CommunityPage(Page[str]):
    """Returns the community's code."""

    idle = 180
    keeps_draft = True
    heading = N_("Send elsewhere")
    keys: ClassVar[tuple[Key, ...]] = (
        Key("Enter", N_("Choose"), "next"),
        Key("F1", N_("Help"), "app.help"),
        Key("Esc", N_("Back"), "back"),
    )

    def __init__(self, station: Station, now: str | None, *, at_post: bool = False) -> None:
        """Makes the page.

        Args:
            station: the station.
            now: the code of the community where they serve now, which stands first; or None.
            at_post: whether they have a post there, which being sent to the community takes from them.
        """
        super().__init__(station)
        self._now, self._at_post, self._search = now, at_post, ""

    def content(self) -> Iterable[Widget]:
        yield Static(_("The community: type a part of its name or its street's"), markup=False, id="search-label")
        yield CommunityPicker(self._search, search=self._searched, numbered=lambda text: bool(self._find(text)))
        yield Options(id="communities", markup=False, compact=True)

    def ready(self) -> None:
        self.query_one("#search").focus()
        self._list()

    def _find(self, text: str) -> list[Community]:
        return places.find(self.station.campaign, text, self._now or self.station.settings.community)

    def _list(self) -> None:
        found = self._find(self._search)
        matches = self.query_one("#communities", Options)
        matches.can_focus = False
        matches.clear_options()
        matches.add_options(community_row(self.station.campaign, place, each) for place, each in enumerate(found))
        if found:
            matches.highlighted = 0
            self.say("")
        else:
            self.say(_("No community has this in its name. Please type less, or another part."))

    def _searched(self, text: str) -> None:
        if text != self._search:
            self._search = text
            self._list()

    @on(Input.Submitted, "#search")
    def _take_highlighted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_next()

    @on(Options.OptionSelected, "#communities")
    def _take(self, event: Options.OptionSelected) -> None:
        event.stop()
        self._choose(event.option_id)

    def action_next(self) -> None:
        matches = self.query_one("#communities", Options)
        if matches.highlighted is not None:
            self._choose(matches.get_option_at_index(matches.highlighted).id)

    def _choose(self, code: str | None) -> None:
        if code == self._now and not self._at_post:
            self.say(_("This volunteer serves there already."))
        else:
            self.dismiss(code)
