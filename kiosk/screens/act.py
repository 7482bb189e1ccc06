"""What the acts of the lead have in common: fields, then what is going to be recorded, then it is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from msgspec import Struct
from textual.widget import Widget
from textual.widgets import Static

from kiosk.errors import KioskError
from kiosk.i18n import N_, _
from kiosk.station import Station
from kiosk.visits import Visit
from kiosk.widgets.fields import Field
from kiosk.widgets.form import FormPage
from kiosk.widgets.grounds import Stack
from kiosk.widgets.page import Key


class Plan(Struct, frozen=True):
    """What is going to be recorded.

    Attributes:
        lines: says so, with both times and the reason.
        act: the station's, with its arguments.
        done: what is said afterwards.
    """

    lines: Sequence[str]
    act: Callable[..., Any]
    arguments: tuple[Any, ...]
    done: str


class ActPage(FormPage[str]):
    """Returns the sentence that says what was recorded, or None.

    The first Enter checks everything and shows what will stand in the record; the second one records it. Nothing that a
    lead enters for somebody else is one slip of a finger away.
    """

    idle = 180
    keys: ClassVar[tuple[Key, ...]] = (
        Key("Enter", N_("Next"), "next"),
        Key("F1", N_("Help"), "app.help"),
        Key("Esc", N_("Back"), "back"),
    )

    def __init__(self, station: Station, volunteer: str, visit: Visit | None) -> None:
        super().__init__(station)
        self.volunteer = volunteer
        self._visit = visit
        self._plan: Plan | None = None

    @property
    def visit(self) -> Visit:
        """The visit that the act is about, on pages of acts that are about one."""
        assert self._visit is not None
        return self._visit

    # --- what an act says -------------------------------------------------------------------------------------------

    def facts(self) -> Iterable[str]:
        """Lines that say how things stand."""
        raise NotImplementedError

    def fields(self) -> Iterable[Field]:
        """The fields before the reason."""
        return ()

    def plan(self, reason: str) -> Plan:
        """What the act would record.

        Raises:
            KioskError: what is wrong, in a sentence.
        """
        raise NotImplementedError

    # --- the page ---------------------------------------------------------------------------------------------------

    def content(self) -> Iterable[Widget]:
        person = self.station.person(self.volunteer)
        name = person.name or _("(no name)")
        yield Static(f"{name}   {self.volunteer}   {person.phone_masked}", markup=False, id="person")
        for fact in self.facts():
            yield Static(fact, markup=False, classes="fact")
        with Stack(id="act-fields"):
            yield from self.fields()
            yield Field("reason", _("Reason"), self.typed.get("reason", ""), lambda text: None, length=100)
        with Stack(id="plan"):
            yield Static("", markup=False, id="plan-lines")

    def ready(self) -> None:
        self._show_plan()
        super().ready()

    def _show_plan(self) -> None:
        plan = self._plan
        self.query_one("#plan").display = plan is not None
        if plan is not None:
            said = [_("This will be recorded:"), *plan.lines]
            self.query_one("#plan-lines", Static).update("\n".join(said))
            self.say(_("To record it, press Enter. To change something, type. To leave it, press Esc."), wrong=False)

    def edited(self, field: Field) -> None:
        self._plan = None
        self._show_plan()
        self.say("")

    async def action_next(self) -> None:  # type: ignore[override] # Textual awaits actions of either kind
        if self._plan is None:
            try:
                self._plan = self.plan(self.typed.get("reason", ""))
            except KioskError as error:
                self.say(str(error))
                self._at_fault().focus()
                return
            self._show_plan()
            return
        plan = self._plan
        if await self.save(plan.act, *plan.arguments) is not None:
            self.dismiss(plan.done)

    def _at_fault(self) -> Field:
        """The field to be typed in again: the reason where there is none, otherwise the first."""
        fields = list(self._shown())
        return fields[-1] if not self.typed.get("reason", "").strip() else fields[0]

    def action_back(self) -> None:
        if self._plan is not None and self._failure is None:
            self._plan = None
            self._show_plan()
            self.say("")
        else:
            self.dismiss(None)
