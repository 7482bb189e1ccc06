"""Where you live or work: the clause that is asked with the address, and the community."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from textual import events, on
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static
from textual.widgets.option_list import Option

from kiosk import places
from kiosk.campaign import Campaign, Community
from kiosk.i18n import N_, _
from kiosk.rules import questions
from kiosk.screens.draft import Draft
from kiosk.station import Station
from kiosk.widgets.choices import Question
from kiosk.widgets.fields import Entry
from kiosk.widgets.options import Options
from kiosk.widgets.page import Page

_NUMBERS: Final = "123456789"
_MOVES: Final = {"up": "cursor_up", "down": "cursor_down", "pageup": "page_up", "pagedown": "page_down"}


class CommunityPicker(Entry):
    """The line to search in; arrow keys and digits move in the list below it."""

    def __init__(self, value: str, *, search: Callable[[str], None], numbered: Callable[[str], bool]) -> None:
        """Makes the line.

        Args:
            value: what was typed already.
            search: lists what a text finds; called before the next key, so that arrows move in the list it gave.
            numbered: whether a text is a part of a name, so that its last digit belongs to it.
        """
        self._search, self._numbered = search, numbered
        super().__init__(value, id="search", max_length=40)

    def watch_value(self, value: str) -> None:
        self._search(value)

    def on_key(self, event: events.Key) -> None:
        matches = self.screen.query_one("#communities", Options)
        if event.key in _MOVES:
            getattr(matches, f"action_{_MOVES[event.key]}")()
        elif event.key in _NUMBERS and not self._numbered(self.value + event.key):
            # It marks the row and no more: whoever types a house number, or bounces on a key, has chosen nothing yet.
            if int(event.key) <= matches.option_count:
                matches.highlighted = int(event.key) - 1
        else:
            return
        event.stop()
        event.prevent_default()


def community_row(campaign: Campaign, place: int, community: Community) -> Option:
    """A community as it stands in the list that is picked from, the first nine with their digits."""
    number = f" {place + 1} " if place < len(_NUMBERS) else "   "
    name = Content.styled(f"{number}{community.name}", "bold")
    return Option(Content.assemble(name, f"\n   {campaign.street_of(community.code).name}"), id=community.code)


class AddressPage(Page[str]):
    """Returns `next` when the questions are answered and a community is chosen, or none is needed."""

    heading = N_("Where you live or work")
    keeps_draft = True
    idle = 120

    def __init__(self, station: Station, draft: Draft, *, step: int) -> None:
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
        label = _("Your community: a part of its name or its street's, or pinyin initials")
        yield Static(label, markup=False, id="search-label")
        yield CommunityPicker(self._draft.search, search=self._search, numbered=lambda text: bool(self._find(text)))
        yield Options(id="communities", markup=False, compact=True)

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

    def _find(self, text: str) -> list[Community]:
        return places.find(self.station.campaign, text, self.station.settings.community)

    def _list(self) -> None:
        found = self._find(self._draft.search)
        options = [community_row(self.station.campaign, place, each) for place, each in enumerate(found)]
        matches = self.query_one("#communities", Options)
        matches.can_focus = False  # a tap on a row leaves the cursor where the next letter is expected
        matches.clear_options()
        matches.add_options(options)
        codes = [community.code for community in found]
        if found:
            chosen = self._draft.community
            matches.highlighted = codes.index(chosen) if chosen in codes else 0
            if self._draft.search and len(found) > len(_NUMBERS):
                said = _("{count} communities; one more letter leaves fewer.").format(count=len(found))
                self.say(said, wrong=False)
        else:
            self.say(_("No community has this in its name. Please type less, or another part."))

    @on(Question.Answered)
    def _remember(self, event: Question.Answered) -> None:
        self._draft.answers[event.question.name or ""] = event.value
        self.say("")
        self._show_search()
        if self._eligible():
            self.query_one("#search").focus()

    def _search(self, text: str) -> None:
        if text != self._draft.search:
            self._draft.search = text
            self._draft.community = None
            self.say("")
            self._list()

    @on(Input.Submitted, "#search")
    def _take_highlighted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_next()

    @on(Options.OptionHighlighted, "#communities")
    def _remember_row(self, event: Options.OptionHighlighted) -> None:
        event.stop()
        self._draft.community = event.option_id  # the row stays marked in the other language, too

    @on(Options.OptionSelected, "#communities")
    def _take(self, event: Options.OptionSelected) -> None:
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
            matches = self.query_one("#communities", Options)
            if matches.highlighted is None:
                self.query_one("#search").focus()
                return
            self._draft.community = matches.get_option_at_index(matches.highlighted).id
        else:
            self._draft.community = None
        self.dismiss("next")
