"""Which command there is, and which options it takes."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import NoReturn

from kiosk import i18n
from kiosk.i18n import _
from kiosk.settings import default_folder

_FORMATS = ("table", "json", "csv")


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
        if not 2000 <= day.year <= 2100:
            raise ValueError(text)
        return day
    except ValueError as error:
        raise argparse.ArgumentTypeError(_("{text} is no day; write it like 2021-12-01").format(text=text)) from error


def _path(text: str) -> Path:
    if not text.strip():
        raise argparse.ArgumentTypeError(_("a file or folder without a name"))
    return Path(text)


def parser() -> argparse.ArgumentParser:
    """All commands and their options, explained in the language in use."""
    made = argparse.ArgumentParser(prog="kiosk", description=_("Check-in station for volunteers."))
    made.add_argument("--data", type=_path, metavar="DIR", help=_("the data folder; stands before the command"))
    made.set_defaults(call="screen.run")
    commands = made.add_subparsers(title=_("commands"), metavar=_("COMMAND"))

    def command(
        name: str, call: str, text: str, *, of: argparse._SubParsersAction[argparse.ArgumentParser] = commands
    ) -> argparse.ArgumentParser:
        added = of.add_parser(name, help=text, description=text)
        added.set_defaults(call=call)
        return added

    def formatted(added: argparse.ArgumentParser, default: str = "table") -> argparse.ArgumentParser:
        added.add_argument("--format", choices=_FORMATS, default=default, help=_("how to print"))
        return added

    command("demo", "screen.demo", _("the screen on a throwaway, seeded day"))

    init = formatted(command("init", "init.run", _("set a station up without questions")))
    init.add_argument("--station", required=True, metavar="ID", help=_("up to 8 letters and digits"))
    init.add_argument("--community", required=True, metavar="CODE", help=_("code or name of the community"))
    init.add_argument("--name", default="", help=_("what people call the place"))
    init.add_argument("--language", choices=i18n.LANGUAGES, default="zh", help=_("language of the screen"))
    init.add_argument("--lead-pin", metavar="PIN", help=_("the site lead's PIN, six digits"))
    init.add_argument("--hq", type=_path, metavar="FILE", help=_("public keys of headquarters"))

    sheet = command("import", "sheet.run", _("take in a paper sign-in sheet that was typed as CSV"))
    sheet.add_argument("file", type=_path, metavar="FILE.csv", help=_("UTF-8 or GB18030"))

    roster = formatted(command("roster", "roster.run", _("the people of a day and their state")))
    roster.add_argument("--day", type=_day, metavar="D", help=_("a day such as 2021-12-01; today without it"))

    badge = command("badge", "badge.show", _("show, check or revoke a badge"))
    of = badge.add_subparsers(title=_("commands"), metavar=_("COMMAND"), required=True)
    show = formatted(command("show", "badge.show", _("show a volunteer's badge"), of=of))
    show.add_argument("volunteer", metavar="VOLUNTEER", help=_("the volunteer number"))
    show.add_argument("--png", type=_path, metavar="F", help=_("write its QR as a picture"))
    show.add_argument("--pdf", type=_path, metavar="F", help=_("write the badge as a page"))
    show.add_argument("--print", action="store_true", dest="on_paper", help=_("print it on the station's printer"))
    check = formatted(command("check", "badge.check", _("judge a badge's code"), of=of), default="json")
    check.add_argument("code", metavar="CODE", help=_("as scanned"))
    revoke = formatted(command("revoke", "badge.revoke", _("make a badge worthless"), of=of))
    revoke.add_argument("volunteer", metavar="VOLUNTEER", help=_("the volunteer number"))
    revoke.add_argument("--reason", default="", help=_("why"))

    forget = formatted(command("forget", "forget.run", _("take out what is personal about a volunteer, who wishes so")))
    forget.add_argument("volunteer", metavar="VOLUNTEER", help=_("the volunteer number"))
    forget.add_argument("--reason", default="", help=_("why"))
    purge = formatted(command("purge", "forget.purge", _("take out the health answers of campaigns that have ended")))
    purge.add_argument("--reason", default="", help=_("why"))

    sync = formatted(command("sync", "sync.run", _("hand the records over, and fetch what headquarters answers")))
    sync.add_argument("url", nargs="?", metavar="URL", help=_("a folder, sftp://, webdav://, webdavs:// or s3://"))
    again = _("seal to headquarters what was sealed before its keys were known; asks for the lead's passphrase")
    sync.add_argument("--seal-again", action="store_true", help=again)
    sync.add_argument("--keep", action="store_true", help=_("use this place from now on"))

    trusted = formatted(command("stations", "badge.stations", _("the stations whose badges count here"), of=of))
    trusted.add_argument("file", type=_path, nargs="?", metavar="FILE", help=_("take in headquarters' directory first"))

    public = _("take in headquarters' public keys, if none are known")
    trusted.add_argument("--hq", type=_path, metavar="FILE", help=public)

    hq = command("hq", "hq.init", _("headquarters' part"))
    of = hq.add_subparsers(title=_("commands"), metavar=_("COMMAND"), required=True)

    _add_hq(command, formatted, of)

    formatted(command("verify", "verify.run", _("check every record, hash, chain and file")))
    return made


def _add_hq(
    command: Callable[..., argparse.ArgumentParser],
    formatted: Callable[[argparse.ArgumentParser], argparse.ArgumentParser],
    of: argparse._SubParsersAction[argparse.ArgumentParser],
) -> None:
    """Adds the commands of headquarters."""

    def of_hq(
        name: str,
        text: str,
        call: str | None = None,
        *,
        makes_keys: bool = False,
        of: argparse._SubParsersAction[argparse.ArgumentParser] = of,
    ) -> argparse.ArgumentParser:
        added = command(name, call or f"hq.{name}", text, of=of)
        added.add_argument("--db", metavar="URL", help=_("the database; without it a SQLite file in the data folder"))
        where = _("the folder with headquarters' keys")
        added.add_argument("--keys", type=_path, metavar="DIR", required=makes_keys, help=where)
        return added

    def placed(added: argparse.ArgumentParser, *, day: str) -> argparse.ArgumentParser:
        added.add_argument("--day", type=_day, metavar="D", help=day)
        added.add_argument("--station", metavar="ID", help=_("only this station"))
        added.add_argument("--community", metavar="CODE", help=_("only this community, by code or name"))
        return added

    formatted(of_hq("init", _("make headquarters' keys"), makes_keys=True))
    collect = formatted(of_hq("collect", _("take in what stations have handed over"), "hq_log.run_collect"))
    urls = _("folders, sticks, sftp://, webdav://, webdavs:// or s3://, or plain TinyDB files")
    collect.add_argument("urls", nargs="+", metavar="URL", help=urls)
    accept = formatted(of_hq("accept", _("answer for the key of a station, or withdraw one")))
    accept.add_argument("station", metavar="STATION", help=_("its id"))
    which = accept.add_mutually_exclusive_group()
    which.add_argument("--from", dest="source", type=_path, metavar="PATH", help=_("files of the station that name it"))
    which.add_argument("--key", metavar="HEX", help=_("the public key itself"))
    which.add_argument("--withdraw", metavar="KEY", help=_("a key that was stolen, in hex or its fingerprint"))
    accept.add_argument("--reason", default="", help=_("why"))
    formatted(of_hq("stations", _("how far every station is handed in"), "hq_log.run_stations"))
    roster = formatted(of_hq("roster", _("the people of a day and their state"), "hq_log.run_roster"))
    placed(roster, day=_("a day such as 2021-12-01; today without it"))
    report = formatted(of_hq("report", _("the days of all stations in numbers"), "hq_log.run_report"))
    placed(report, day=_("only this day; all days without it"))
    report.add_argument("--needs", action="store_true", help=_("what every post of a day wanted, and who came"))
    listed = formatted(of_hq("problems", _("what a person has to look at"), "hq_log.run_problems"))
    listed.add_argument("--all", action="store_true", help=_("those that were decided about, too"))
    resolve = formatted(of_hq("resolve", _("write down what was decided about a problem"), "hq_log.run_resolve"))
    resolve.add_argument("problem", metavar="PROBLEM", help=_("its name, as it is printed in brackets"))
    decided = _("of a fork the beginning of the hash that counts; of others in words")
    resolve.add_argument("--decision", default="", help=decided)
    resolve.add_argument("--reason", default="", help=_("why"))
    export = formatted(of_hq("export", _("the service record, and certificates"), "hq_export.run"))
    export.add_argument("--out", type=_path, metavar="FILE", help=_("a file that ends in .csv or .xlsx"))
    export.add_argument("--certificates", type=_path, metavar="DIR", help=_("write a PDF for everybody into a folder"))
    export.add_argument("--volunteer", metavar="NUMBER", help=_("only this volunteer"))
    export.add_argument("--day", type=_day, metavar="D", help=_("only this day; all days without it"))
    private = _("headquarters' private key hq.age: then ID numbers and phones are told")
    export.add_argument("--identity", type=_path, metavar="FILE", help=private)
    directory = of_hq("directory", _("sign the list of stations, for all of them to take in"))
    directory.add_argument("--out", type=_path, metavar="FILE", help=_("where to write it; stdout without it"))

    campaign = command("campaign", "hq_campaign.run_show", _("edit, check and publish a campaign"), of=of)
    parts = campaign.add_subparsers(title=_("commands"), metavar=_("COMMAND"), required=True)
    show = formatted(of_hq("show", _("the campaign in force, to be edited"), "hq_campaign.run_show", of=parts))
    show.add_argument("--out", type=_path, metavar="FILE", help=_("write it to a file, under the next version"))
    check = formatted(command("check", "hq_campaign.run_check", _("check a campaign file"), of=parts))
    post = formatted(command("post", "hq_campaign.run_post", _("add, change or take out a post"), of=parts))
    publish = formatted(of_hq("publish", _("publish a campaign file"), "hq_campaign.run_publish", of=parts))
    for added in (check, post, publish):
        added.add_argument("file", type=_path, metavar="FILE", help=_("the campaign file"))
    post.add_argument("post", metavar="POST", help=_("its id"))
    post.add_argument("--duty", metavar="DUTY", help=_("the duty's code"))
    post.add_argument("--community", metavar="CODE", help=_("the code of its community"))
    post.add_argument("--place", metavar="TEXT", help=_("where exactly"))
    post.add_argument("--from", dest="starts", metavar="TIME", help=_("when it begins, such as 08:30"))
    post.add_argument("--to", dest="ends", metavar="TIME", help=_("when it ends"))
    post.add_argument("--wanted", type=int, metavar="N", help=_("how many people"))
    post.add_argument("--remove", action="store_true", help=_("take it out"))


class _Silent(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def folder(arguments: Sequence[str]) -> Path:
    """The data folder, which decides the language in which the commands, and what is wrong with them, are explained."""
    early = _Silent(add_help=False, allow_abbrev=False)
    early.add_argument("--data", type=_path)
    try:
        return early.parse_known_args(arguments)[0].data or default_folder()
    except ValueError:
        return default_folder()
