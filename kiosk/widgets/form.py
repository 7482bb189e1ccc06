"""A page of fields: Enter goes to the next one, and from the last one on, once nothing is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final, Generic

from textual import on
from textual.binding import Binding, BindingType

from kiosk.i18n import N_
from kiosk.station import Station
from kiosk.widgets.fields import Field
from kiosk.widgets.page import Key, Page, R

BETWEEN_FIELDS: Final[list[BindingType]] = [
    Binding("up", "app.focus_previous", show=False),
    Binding("down", "app.focus_next", show=False),
]
"""Arrow keys where several things are filled in, one above the other."""


class FormPage(Page[R], Generic[R]):
    """Asks for several things at once.

    Attributes:
        typed: what stands in the fields, by name; it outlives a change of language, and is gone with the page.
    """

    keeps_draft = True
    more: ClassVar[tuple[Key, ...]] = (Key(N_("Up Down"), N_("The field before, the next field"), ""),)
    BINDINGS: ClassVar[list[BindingType]] = BETWEEN_FIELDS

    def __init__(
        self, station: Station | None, *, step: int | None = None, typed: dict[str, str] | None = None
    ) -> None:
        """Makes the page.

        Args:
            station: the station, or None before set-up.
            step: which step of a first visit this is, from 1.
            typed: what stands in the fields already, kept by whoever goes on with it.
        """
        super().__init__(station, step=step)
        self.typed = {} if typed is None else typed

    def ready(self) -> None:
        next(self._shown()).focus()

    def _shown(self) -> Iterator[Field]:
        return (field for field in self.query(Field) if field.display)

    @on(Field.Edited)
    def _remember(self, event: Field.Edited) -> None:
        self.typed[event.field.name or ""] = event.value
        self.edited(event.field)

    def edited(self, field: Field) -> None:
        """Called when something was typed, or was taken back since a scanner had typed it."""

    @on(Field.Entered)
    async def _go_on(self, event: Field.Entered) -> None:
        fields = list(self._shown())
        if event.field not in fields:  # the page was built anew since, in the other language
            return
        following = fields[fields.index(event.field) + 1 :]
        if following:
            following[0].focus()
        else:
            await self.action_next()

    async def action_next(self) -> None:  # type: ignore[override] # Textual awaits actions of either kind
        wrong = next((field for field in self._shown() if field.problem() is not None), None)
        if wrong is not None:
            wrong.focus()
            return
        # What was judged is what goes on: word of the last letters may still be on its way from a field.
        self.typed.update({field.name or "": field.value for field in self._shown()})
        await self.complete()

    async def complete(self) -> None:
        """Called when every field is right and nothing is left to be entered."""
        raise NotImplementedError
