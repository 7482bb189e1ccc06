"""`kiosk hq export`: the service record as CSV or XLSX, and certificates of service as PDF."""

from __future__ import annotations

from argparse import Namespace
from datetime import datetime
from pathlib import Path

from kiosk import clock
from kiosk.campaign import Campaign
from kiosk.campaign_files import shipped
from kiosk.commands import output
from kiosk.commands.hq import opened
from kiosk.commands.hq_log import names
from kiosk.durable import make_folder, write_beside
from kiosk.errors import KioskError, WrongUsage
from kiosk.export import xlsx_bytes
from kiosk.hq import campaigns, service
from kiosk.hq.keys import open_with
from kiosk.i18n import _
from kiosk.records import parse_volunteer_number, service_day
from kiosk.tables import csv_bytes


def run(folder: Path, options: Namespace) -> int:
    """Prints the service record, or writes it to a file, and certificates to a folder if they are wanted."""
    now = clock.system_clock()
    volunteer = None
    if options.volunteer is not None:
        volunteer = parse_volunteer_number(options.volunteer)
        if volunteer is None:
            raise WrongUsage(_("{text} is not a volunteer number.").format(text=options.volunteer))
    if options.out is not None and options.out.suffix.lower() not in (".csv", ".xlsx"):
        raise WrongUsage(_("The name of the file has to end in .csv or .xlsx"))
    opener = open_with(options.identity) if options.identity is not None else None
    with opened(folder, options) as database:
        campaign = names(database)
        others = [shipped(), *campaigns.published(database)]
        with database.begin() as connection:
            found = service.services(connection, now, opener=opener, day=options.day, volunteer=volunteer)
    if volunteer is not None and not found:
        raise KioskError(_("Nothing is known here of volunteer {number}.").format(number=volunteer))
    rows = [service.row(each, campaign, others) for each in found]
    if options.out is not None:
        headings = list(service.headings().values())
        cells = [list(row.values()) for row in rows]
        content = xlsx_bytes(headings, cells) if options.out.suffix.lower() == ".xlsx" else csv_bytes(headings, cells)
        write_beside(options.out, content)
    if options.certificates is not None:
        _certify(options.certificates, service.certificates(found, campaign, others), campaign, now)
    if options.out is None and options.certificates is None:
        output.emit(rows, service.headings(), options.format)
    return 0


def _certify(folder: Path, made: list[service.Certificate], campaign: Campaign, now: datetime) -> None:
    from kiosk.printing.sheets import pdf

    make_folder(folder)
    for certificate in made:
        title, sections = service.certificate_sections(certificate, campaign, service_day(now))
        write_beside(folder / f"{certificate.volunteer}.pdf", pdf(title, sections))
        print(folder / f"{certificate.volunteer}.pdf")
