"""The clauses that are answered: on the first day all of them, on later days those of the day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import on
from textual.containers import VerticalScroll
from textual.widgets import Static

from kiosk.campaign import Clause
from kiosk.i18n import N_, _
from kiosk.station import Station
from kiosk.widgets.choices import Question
from kiosk.widgets.page import Page


class EligibilityPage(Page[str]):
    """Returns `next` when every clause is answered; the answers are put into `answers`."""

    heading = N_("Eligibility")

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

    def content(self) -> Iterable[object]:
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

    def action_next(self) -> None:
        missing = [question for question in self.query(Question) if question.answer is None]
        for question in missing:
            question.add_class("-missing")
        if missing:
            self.say(_("Please answer this question."))
            missing[0].focus()
        else:
            self.dismiss("next")
