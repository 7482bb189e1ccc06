"""The clauses that are answered: on the first day all of them, on later days those of the day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from textual import on
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from kiosk.arriving import Admission
from kiosk.campaign import Clause
from kiosk.i18n import N_, _
from kiosk.roster import Person
from kiosk.rules import questions
from kiosk.station import Station
from kiosk.widgets.choices import Question
from kiosk.widgets.page import Page

R = TypeVar("R")


class QuestionsPage(Page[R], Generic[R]):
    """Clauses, each with its answers; they are put into `answers` as they are given."""

    def __init__(
        self,
        station: Station,
        clauses: Sequence[Clause],
        answers: dict[str, str],
        *,
        step: tuple[int, int] | None = None,
        greeting: str = "",
    ) -> None:
        """Makes the page.

        Args:
            station: the station.
            clauses: what is asked.
            answers: option values by clause id, as far as they are there.
            step: which step of how many this is.
            greeting: a line above the questions.
        """
        super().__init__(station, step=step)
        self._clauses, self._answers, self._greeting = clauses, answers, greeting

    def content(self) -> Iterable[Widget]:
        with VerticalScroll(can_focus=False):
            if self._greeting:
                yield Static(self._greeting, markup=False, id="hello")
            for place, clause in enumerate(self._clauses):
                if clause.kind == "pledged":
                    yield Static(str(clause.text), markup=False, classes="pledge")
                options = [(option.value, str(option.text)) for option in clause.options]
                question = Question(clause.id, str(clause.question), options, self._answers.get(clause.id))
                question.id = f"clause-{place}"
                yield question

    def ready(self) -> None:
        self._focus_first_open()

    def _focus_first_open(self) -> None:
        questions = list(self.query(Question))
        if questions:
            next((q for q in questions if q.answer is None), questions[-1]).focus()

    @on(Question.Answered)
    def _remember(self, event: Question.Answered) -> None:
        self._answers[event.question.name or ""] = event.value
        self.say("")
        questions = list(self.query(Question))
        following = questions[questions.index(event.question) + 1 :]
        if following and following[0].answer is None:
            following[0].focus()

    def complete(self) -> bool:
        """Whether every question is answered; points at the first that is not."""
        missing = [question for question in self.query(Question) if question.answer is None]
        for question in missing:
            question.add_class("-missing")
        if missing:
            self.say(_("Please answer this question."))
            missing[0].focus()
        return not missing


class FirstDayPage(QuestionsPage[str]):
    """All clauses that are answered; returns `next`."""

    heading = N_("Eligibility")

    def action_next(self) -> None:
        if self.complete():
            self.dismiss("next")


class DailyPage(QuestionsPage[Admission]):
    """The clauses of the day for somebody whom the station knows; returns what came of it, once it is durable."""

    heading = N_("Questions of the day")

    def __init__(self, station: Station, person: Person, greeting: str) -> None:
        clauses = questions(station.campaign, station.today(), known=person.known)
        super().__init__(station, clauses, {}, greeting=greeting)
        self._person = person

    async def action_next(self) -> None:  # type: ignore[override] # Textual awaits actions of either kind
        if self.complete():
            admission = await self.save(self.station.check_in_again, self._person.volunteer, dict(self._answers))
            if admission is not None:
                self.dismiss(admission)
