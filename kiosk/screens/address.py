"""Where you live or work: the clause that is asked with the address, and the community."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events, on
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from kiosk.campaign import Campaign, Community, fold
from kiosk.i18n import N_, _
from kiosk.rules import questions
from kiosk.screens.draft import Draft
from kiosk.station import Station
from kiosk.widgets.choices import Question
from kiosk.widgets.fields import Entry
from kiosk.widgets.page import Page


def find_communities(campaign: Campaign, text: str, first: str) -> list[Community]:
    """The communities of which `text` is a part (of the name, its street's name, or a misprint of that), best first.

    Without a text, the street of the community `first` comes first.
    """
    wanted = "".join(fold(text).split())
    found = []
    for street in campaign.streets:
        for community in street.communities:
            names = [f"{name}{community.name}" for name in (street.name, *street.aliases)]
            if any(wanted in name for name in names):
                near = community.code != first, community.street != first[:9]
                found.append((not community.name.startswith(wanted), near if not wanted else (), community))
    return [item[2] for item in sorted(found, key=lambda item: item[:2])]


class CommunityPicker(Entry):
    """The line to search in; the arrow keys move in the list below it."""

    def on_key(self, event: events.Key) -> None:
        if event.key in ("up", "down", "pageup", "pagedown"):
            event.stop()
            event.prevent_default()
            matches = self.screen.query_one("#communities", OptionList)
            action = {"up": "cursor_up", "down": "cursor_down", "pageup": "page_up", "pagedown": "page_down"}
            getattr(matches, f"action_{action[event.key]}")()


class AddressPage(Page[str]):
    """Returns `next` when the questions are answered and a community is chosen, or none is needed."""

    heading = N_("Where you live or work")

    def __init__(self, station: Station, draft: Draft, *, step: tuple[int, int]) -> None:
        super().__init__(station, step=step)
        self._draft = draft
        asked = questions(station.campaign, station.today())
        self._clauses = [clause for clause in asked if clause.with_identity]

    def content(self) -> Iterable[Widget]:
        for place, clause in enumerate(self._clauses):
            options = [(option.value, str(option.text)) for option in clause.options]
            question = Question(clause.id, str(clause.question), options, self._draft.answers.get(clause.id))
            question.id = f"clause-{place}"
            yield question
        yield Static(_("Your community: type a part of its name or its street's"), markup=False, id="search-label")
        yield CommunityPicker(self._draft.search, compact=True, id="search", max_length=40, select_on_focus=False)
        yield OptionList(id="communities", markup=False, compact=True)

    def ready(self) -> None:
        self._list()
        self._show_search()
        if self._clauses and self._clauses[0].id not in self._draft.answers:
            self.query_one("#clause-0").focus()
        elif self._eligible():
            self.query_one("#search").focus()
        else:
            self.query_one("#clause-0").focus()

    def _eligible(self) -> bool:
        """Whether the answers leave a community to be asked for."""
        for clause in self._clauses:
            option = clause.option(self._draft.answers.get(clause.id, ""))
            if option is not None and not option.accepted:
                return False
        return True

    def _show_search(self) -> None:
        for name in ("#search-label", "#search", "#communities"):
            self.query_one(name).display = self._eligible()

    def _list(self) -> None:
        campaign = self.station.campaign
        found = find_communities(campaign, self._draft.search, self.station.settings.community)
        options = [Option(f" {campaign.street_of(c.code).name}  {c.name}", id=c.code) for c in found]
        matches = self.query_one("#communities", OptionList)
        matches.clear_options()
        matches.add_options(options)
        codes = [community.code for community in found]
        if found:
            chosen = self._draft.community
            matches.highlighted = codes.index(chosen) if chosen in codes else 0
        else:
            self.say(_("No community has this in its name. Please type less, or another part."))

    @on(Question.Answered)
    def _remember(self, event: Question.Answered) -> None:
        self._draft.answers[event.question.name or ""] = event.value
        self.say("")
        self._show_search()
        if self._eligible():
            self.query_one("#search").focus()

    @on(Input.Changed, "#search")
    def _search(self, event: Input.Changed) -> None:
        event.stop()
        if event.value != self._draft.search:
            self._draft.search = event.value
            self._draft.community = None
            self.say("")
            self._list()

    @on(Input.Submitted, "#search")
    def _take_highlighted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_next()

    @on(OptionList.OptionSelected, "#communities")
    def _take(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._draft.community = event.option_id
        self.action_next()

    def action_next(self) -> None:
        unanswered = [clause for clause in self._clauses if clause.id not in self._draft.answers]
        if unanswered:
            self.say(_("Please answer this question."))
            self.query_one(f"#clause-{self._clauses.index(unanswered[0])}").focus()
            return
        if self._eligible():
            matches = self.query_one("#communities", OptionList)
            if matches.highlighted is None:
                self.query_one("#search").focus()
                return
            self._draft.community = matches.get_option_at_index(matches.highlighted).id
        else:
            self._draft.community = None
        self.dismiss("next")
