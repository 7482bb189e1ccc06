"""The choice of a community by a part of its name or its street's, for the lead."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from kiosk.i18n import N_, _
from kiosk.screens.address import CommunityPicker, find_communities
from kiosk.station import Station
from kiosk.widgets.page import Key, Page


class CommunityPage(Page[str]):
    """Returns the community's code."""

    heading = N_("Send elsewhere")
    keys: ClassVar[tuple[Key, ...]] = (
        Key("Enter", N_("Choose"), "next"),
        Key("F1", N_("Help"), "app.help"),
        Key("Esc", N_("Back"), "back"),
    )

    def __init__(self, station: Station, near: str) -> None:
        """Makes the page.

        Args:
            station: the station.
            near: the code of the community where they serve now, which stands first.
        """
        super().__init__(station)
        self._near, self._search = near, ""

    def content(self) -> Iterable[Widget]:
        yield Static(_("The community: type a part of its name or its street's"), markup=False, id="search-label")
        yield CommunityPicker(self._search, compact=True, id="search", max_length=40, select_on_focus=False)
        yield OptionList(id="communities", markup=False, compact=True)

    def ready(self) -> None:
        self.query_one("#search").focus()
        self._list()

    def _list(self) -> None:
        campaign = self.station.campaign
        found = find_communities(campaign, self._search, self._near)
        matches = self.query_one("#communities", OptionList)
        matches.clear_options()
        matches.add_options(Option(f" {campaign.street_of(c.code).name}  {c.name}", id=c.code) for c in found)
        if found:
            matches.highlighted = 0
            self.say("")
        else:
            self.say(_("No community has this in its name. Please type less, or another part."))

    @on(Input.Changed, "#search")
    def _searched(self, event: Input.Changed) -> None:
        event.stop()
        if event.value != self._search:
            self._search = event.value
            self._list()

    @on(Input.Submitted, "#search")
    def _take_highlighted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_next()

    @on(OptionList.OptionSelected, "#communities")
    def _take(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(event.option_id)

    def action_next(self) -> None:
        matches = self.query_one("#communities", OptionList)
        if matches.highlighted is not None:
            self.dismiss(matches.get_option_at_index(matches.highlighted).id)
