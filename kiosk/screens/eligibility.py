"""The clauses that are answered, one question at a time: on the first day all, on later days those of the day."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from textual.widget import Widget
from textual.widgets import Static

from kiosk.arriving import Admission
from kiosk.campaign import Clause
from kiosk.i18n import N_, _
from kiosk.rules import questions
from kiosk.station import Station
from kiosk.widgets.choosing import SeriesPage
from kiosk.widgets.page import Key
from kiosk.widgets.prose import Prose
from kiosk.widgets.tiles import Choice

R = TypeVar("R")


class QuestionsPage(SeriesPage[R], Generic[R]):
    """Clauses, one after the other; the answers are put into `answers` as they are given."""

    def __init__(
        self,
        station: Station,
        clauses: Sequence[Clause],
        answers: dict[str, str],
        *,
        step: int | None = None,
        greeting: Callable[[], str] = str,
    ) -> None:
        """Makes the page; it begins with the first question that has no answer yet, or else with the last.

        Args:
            station: the station.
            clauses: what is asked.
            answers: option values by clause id, as far as they are there.
            step: which step of a first visit this is, from 1.
            greeting: gives a line above the questions, in the language of the moment.
        """
        asked = [place for place, clause in enumerate(clauses) if clause.id not in answers]
        first = asked[0] if asked else max(len(clauses) - 1, 0)
        super().__init__(station, total=len(clauses), first=first, step=step)
        self._clauses, self._answers, self._greeting = clauses, answers, greeting
        self.point()

    @property
    def _clause(self) -> Clause | None:
        """The clause that is asked now; none if the campaign asks nothing."""
        return self._clauses[self.at] if self._clauses else None

    def answered(self) -> str | None:
        return self._answers.get(self._clause.id) if self._clause else None

    def head(self) -> Iterable[Widget]:
        if hello := self._greeting():
            yield Static(hello, markup=False, id="hello")
        clause = self._clause
        if clause is None:
            yield Static(_("There is nothing to ask today."), markup=False, classes="asked")
            return
        if self.total > 1:
            count = _("Question {number} of {total}").format(number=self.at + 1, total=self.total)
            yield Static(count, markup=False, classes="count")
        if clause.kind == "pledged":
            yield Prose(str(clause.text), classes="card")
        yield Static(str(clause.question), markup=False, classes="asked")

    def choices(self) -> Sequence[Choice]:
        options = self._clause.options if self._clause else ()
        return [Choice(option.value, str(option.text), str(number)) for number, option in enumerate(options, start=1)]

    def offered(self) -> Iterable[Key]:
        if self._clause is None or self.cursor is not None:
            yield Key("Enter", N_("Next"), "next")
        yield from super().offered()

    async def take(self, value: str) -> None:
        assert self._clause is not None
        self._answers[self._clause.id] = value
        await self.advance()

    async def action_next(self) -> None:  # type: ignore[override] # Textual awaits actions of either kind
        if self._clause is None:
            await self.finish()
        else:
            await super().action_next()


class FirstDayPage(QuestionsPage[str]):
    """All clauses that are answered; returns `next`."""

    keeps_draft = True
    idle = 120

    async def finish(self) -> None:
        self.dismiss("next")


class DailyPage(QuestionsPage[Admission]):
    """The clauses of the day for somebody who registered before; returns what came of it, once it is durable."""

    waits_for_lead = True

    def __init__(
        self,
        station: Station,
        known: Collection[str],
        greeting: Callable[[], str],
        check_in: Callable[[Mapping[str, str]], Admission],
    ) -> None:
        """Makes the page.

        Args:
            station: the station.
            known: the clauses that need not be asked, unless they are asked daily.
            greeting: gives a line above the questions.
            check_in: the station's act that opens the visit, given the answers.
        """
        clauses = questions(station.campaign, station.today(), known=known)
        super().__init__(station, clauses, {}, greeting=greeting)
        self._check_in = check_in

    async def finish(self) -> None:
        admission = await self.save(self._check_in, dict(self._answers))
        if admission is not None:
            self.dismiss(admission)
