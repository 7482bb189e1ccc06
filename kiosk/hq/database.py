"""Headquarters' database: its tables, and how it is opened. SQLite on one laptop, PostgreSQL by its URL.

It knows of no key and no file of a station.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from kiosk.durable import PRIVATE_FILE, make_folder
from kiosk.errors import KioskError, WrongUsage
from kiosk.i18n import _

try:
    import sqlalchemy as sa
    from sqlalchemy import exc
except ImportError as error:  # pragma: no cover - the extra is installed wherever this is tested
    raise KioskError(_("Headquarters' part is not installed. Please run: pip install 'kiosk[hq]'")) from error

FILE: Final = "hq.sqlite"
_FORMAT: Final = 1

metadata = sa.MetaData()

about = sa.Table(
    "about",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
"""What is known of the database itself: the `format` of its tables, and where the `keys` lie."""

station_keys = sa.Table(
    "station_keys",
    metadata,
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("station", sa.Text, nullable=False, index=True),
    sa.Column("key", sa.LargeBinary(32), nullable=False, unique=True),
    sa.Column("accepted", sa.Text, nullable=False),
    sa.Column("withdrawn", sa.Text),
    sa.Column("reason", sa.Text),
)
"""The public keys of stations in the order in which somebody answered for them, and when one was withdrawn, and why.

Times are ISO 8601 as in records.
"""

revoked_badges = sa.Table(
    "revoked_badges",
    metadata,
    sa.Column("volunteer", sa.Text, primary_key=True),
    sa.Column("serial", sa.Integer, nullable=False),
)
"""Up to which serial a volunteer's badges were revoked, at whatever station."""

directories = sa.Table(
    "directories",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("document", sa.LargeBinary, nullable=False),
)
"""Every directory of stations that was signed."""


class Database:
    """One database, open."""

    def __init__(self, url: str | None, folder: Path) -> None:
        """Opens it, and makes what tables it lacks.

        Args:
            url: SQLAlchemy's, or the path of a SQLite file.
            folder: where the SQLite file lies when there is no `url`.

        Raises:
            WrongUsage: if the URL means no database.
            KioskError: if it cannot be opened.
            OSError: if its folder cannot be made.
        """
        if url is None:
            make_folder(folder)
        named = url or str(folder / FILE)
        try:
            self._url = sa.make_url(named if "://" in named else f"sqlite:///{named}")
            self._engine = sa.create_engine(self._url)
        except (exc.ArgumentError, ImportError, ValueError) as error:
            # Not the URL itself: a password may stand in it.
            raise WrongUsage(_("This is no URL of a database that is known here. Please check --db.")) from error
        if self._url.get_backend_name() == "sqlite":
            _make_private(self._url.database)
            sa.event.listen(self._engine, "connect", _make_sqlite_safe)
        with self.begin() as connection:
            metadata.create_all(connection)
            found = connection.scalar(sa.select(about.c.value).where(about.c.name == "format"))
            if found is None:
                connection.execute(about.insert(), {"name": "format", "value": str(_FORMAT)})
            elif found != str(_FORMAT):
                sentence = _("The database has format {found}; this version of the kiosk knows {known}.")
                raise KioskError(sentence.format(found=found, known=_FORMAT))

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A transaction: all of it, or nothing.

        Raises:
            KioskError: if the database does not do what is asked, in a sentence without the URL.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except exc.DBAPIError as error:
            shown = self._url.render_as_string(hide_password=True)
            cause = str(error.orig).strip().partition("\n")[0]
            sentence = _("The database {name} cannot be used: {error}.")
            raise KioskError(sentence.format(name=shown, error=cause)) from error

    def close(self) -> None:
        """Gives its connections back."""
        self._engine.dispose()

    def said(self, name: str) -> str | None:
        """What is written down about the database under `name`."""
        with self.begin() as connection:
            return connection.scalar(sa.select(about.c.value).where(about.c.name == name))

    def say(self, name: str, value: str) -> None:
        """Writes down something about the database."""
        with self.begin() as connection:
            connection.execute(about.delete().where(about.c.name == name))
            connection.execute(about.insert(), {"name": name, "value": value})


def _make_private(file: str | None) -> None:
    # SQLite gives its other files the permissions of the first.
    if file and file != ":memory:":
        with suppress(OSError):  # then SQLite says what is wrong
            os.close(os.open(file, os.O_RDWR | os.O_CREAT, PRIVATE_FILE))


def _make_sqlite_safe(connection: Any, _record: object) -> None:
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 10000"):
        connection.execute(f"PRAGMA {pragma}")
