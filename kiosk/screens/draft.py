"""What a person has told so far on their way to the badge: kept here, and only here, until it is sealed or dropped."""

from __future__ import annotations

from datetime import date

from msgspec import Struct, field

from kiosk.campaign import Campaign
from kiosk.rules import Applicant, Application, parse_applicant


class Draft(Struct):
    """The state of the screens between welcome and verdict.

    Attributes:
        agreed: ids of the consents that were given.
        fields: `name, phone, id_type, id_number, birth_date` as typed.
        answers: option values by clause id.
        community: the code of the community that was chosen.
        search: what was typed to find it.
    """

    agreed: set[str] = field(default_factory=set)
    fields: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    community: str | None = None
    search: str = ""

    def forget(self) -> None:
        """Drops everything, whoever still holds the draft."""
        self.agreed.clear()
        self.fields.clear()
        self.answers.clear()
        self.community, self.search = None, ""

    def applicant(self, campaign: Campaign, day: date) -> Applicant | None:
        """The person, if every field is right."""
        return parse_applicant({**self.fields, "community": self.community or ""}, campaign, day)[0]

    def application(self, campaign: Campaign, day: date) -> Application | None:
        """What the person asks of the station, if every field is right: None also once everything was dropped."""
        applicant = self.applicant(campaign, day)
        if applicant is None:
            return None
        consented = {consent.id for consent in campaign.consents} <= self.agreed
        return Application(applicant, dict(self.answers), consented)
