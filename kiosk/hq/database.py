"""Headquarters' database: its tables, and how it is opened. SQLite on one laptop, PostgreSQL by its URL.

It knows of no key and no file of a station.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from kiosk.durable import PRIVATE_FILE, make_folder
from kiosk.errors import KioskError, WrongUsage
from kiosk.i18n import _

try:
    import sqlalchemy as sa
    from sqlalchemy import exc
except ImportError as error:  # pragma: no cover - the extra is installed wherever this is tested
    raise KioskError(_("Headquarters' part is not installed. Please run: pip install 'kiosk[hq]'")) from error

FILE: Final = "hq.sqlite"
COUNTS: Final = "counts"
"""The standing of a segment whose records count."""
FORK: Final = "fork"
"""The standing of a segment on a branch of a log that does not count; also the kind of that problem."""
_FORMAT: Final = 1
_ALONE: Final = 0x6B696F736B
"""The number of PostgreSQL's lock: `kiosk` in ASCII."""

T = TypeVar("T")
metadata = sa.MetaData()

# Whatever a station may say has room: numbers up to 2**53. PostgreSQL refuses a number that is larger than its column,
# and with it all else that came with it.

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
    sa.Column("serial", sa.BigInteger, nullable=False),
)
"""Up to which serial a volunteer's badges were revoked, at whatever station."""

directories = sa.Table(
    "directories",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("document", sa.LargeBinary, nullable=False),
)
"""Every directory of stations that was signed."""

stations = sa.Table(
    "stations",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("station", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text),
    sa.Column("street", sa.Text),
    sa.Column("community", sa.Text, index=True),
    sa.Column("last_seen", sa.Text),
)
"""Every station that something came from: its place, and when (by headquarters' clock) something new came last."""

shown_keys = sa.Table(
    "shown_keys",
    metadata,
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("station", sa.Text, nullable=False, index=True),
    sa.Column("key", sa.LargeBinary(32), nullable=False),
    sa.Column("first_seen", sa.Text, nullable=False),
    sa.UniqueConstraint("station", "key"),
)
"""The keys that stations have shown themselves; the first of a station counts until somebody answers for one."""

heads = sa.Table(
    "heads",
    metadata,
    sa.Column("url", sa.Text, primary_key=True),
    sa.Column("station", sa.Text, primary_key=True),
    sa.Column("digest", sa.LargeBinary(32), nullable=False),
)
"""What the head of a station was at a place, once all that it names had been dealt with."""

ends = sa.Table(
    "ends",
    metadata,
    sa.Column("station", sa.Text, primary_key=True),
    sa.Column("epoch", sa.Text, primary_key=True),
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("key", sa.LargeBinary(32), nullable=False),
)
"""Up to which record a station has sealed an epoch, and in which segment, as heads said that could be believed."""

segments = sa.Table(
    "segments",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("station", sa.Text, nullable=False, index=True),
    sa.Column("epoch", sa.Text, nullable=False),
    sa.Column("number", sa.Integer),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("first_seq", sa.BigInteger, nullable=False),
    sa.Column("records", sa.Integer, nullable=False),
    sa.Column("prev", sa.Text, nullable=False),
    sa.Column("header", sa.Text, nullable=False),
    sa.Column("hashes", sa.LargeBinary, nullable=False),
    sa.Column("key", sa.LargeBinary(32)),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("received", sa.Text, nullable=False),
    sa.Column("standing", sa.Text, nullable=False),
    sa.UniqueConstraint("hash", "station", "epoch", "first_seq"),
)
"""Every segment that was taken in, whole: with `records` it is the TinyDB file again.

`number` is null for one that was not sealed yet, `key` for one that nobody has signed. `hashes` are those of its
records, 32 bytes each. `standing` is `counts`, `same` (another one holds all its records), `fork`, or `untrusted`.
"""

records = sa.Table(
    "records",
    metadata,
    sa.Column("segment", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("station", sa.Integer, nullable=False),
    sa.Column("day", sa.Integer, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("about", sa.Text),
    sa.Column("visit", sa.Text),
    sa.Column("who", sa.Text),
    sa.Column("document", sa.Text, nullable=False),
    sa.Index("records_day", "station", "day"),
    sqlite_with_rowid=False,
)
"""The records of all segments.

`day` is the service day on which it happened as a number such as 20211201, of a correction the day that is right;
`about` is the volunteer where a visit begins or something personal is or was in the record; `visit` is set where a
record may have happened on another day than its visit, or is `CLOCK`, `EPOCH`, `FORGETTING` or `REVOKING`; `who` is
name and masked phone of a registration, by which the same person under another number is found.
"""

CLOCK: Final = "clock"
EPOCH: Final = "epoch"
FORGETTING: Final = "forgetting"
REVOKING: Final = "revoking"


def _few(name: str, *columns: sa.Column[Any], having: sa.Column[Any]) -> sa.Index:
    """An index of the few records that have one of these columns."""
    there = having.is_not(None)
    return sa.Index(name, *columns, sqlite_where=there, postgresql_where=there)


_few("records_about", records.c.about, records.c.station, having=records.c.about)
_few("records_visit", records.c.station, records.c.visit, having=records.c.visit)
_few("records_who", records.c.who, records.c.station, having=records.c.who)

forgotten = sa.Table(
    "forgotten",
    metadata,
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("station", sa.Text, nullable=False),
    sa.Column("epoch", sa.Text, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("volunteer", sa.Text, index=True),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("campaign", sa.Text),
    sa.Column("everywhere", sa.Boolean, nullable=False),
)
"""What is not kept any more, as `forgotten` records that count say: whatever comes later of it is taken out, too.

`everywhere` is set where somebody has answered for the station: others speak for their own records only.
"""

quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("station", sa.Text, nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("digest", sa.LargeBinary(32), nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("since", sa.Text, nullable=False),
    sa.UniqueConstraint("url", "name"),
)
"""What could not be accepted, as it came; tried again at each visit of its place."""

resolutions = sa.Table(
    "resolutions",
    metadata,
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("problem", sa.Text, nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("station", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("decision", sa.Text, nullable=False),
    sa.Column("over", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)
"""What people have decided about problems, and over which other choices; only another decision takes one back."""

answers = sa.Table(
    "answers",
    metadata,
    sa.Column("url", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("digest", sa.LargeBinary(32), nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
)
"""What headquarters has laid where, under which number: it is written again only when it has changed."""

campaigns = sa.Table(
    "campaigns",
    metadata,
    sa.Column("campaign", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("published", sa.Text, nullable=False),
)
"""The campaigns that headquarters has published, as their JSON."""


def answered_for() -> sa.Select[Any]:
    """Names of the stations of which somebody has accepted a key that holds still."""
    return sa.select(station_keys.c.station).where(station_keys.c.withdrawn.is_(None))


def counting(*columns: Any) -> sa.Select[Any]:
    """A question about the records that count, to be narrowed further."""
    where = records.join(segments, segments.c.id == records.c.segment)
    return sa.select(*columns).select_from(where).where(segments.c.standing == COUNTS)


AT_ONCE: Final = 500
"""Values in one question: databases take only so many."""


def pieces(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Values in portions that fit into one question."""
    return (values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE))


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
            # Not as part of a URL: a folder's name may hold what has a meaning there.
            self._url = sa.make_url(named) if "://" in named else sa.URL.create("sqlite", database=named)
            self._engine = sa.create_engine(self._url)
        except (exc.ArgumentError, ImportError, ValueError) as error:
            # Not the URL itself: a password may stand in it.
            raise WrongUsage(_("This is no URL of a database that is known here. Please check --db.")) from error
        if self._url.get_backend_name() == "sqlite":
            _make_private(self._url.database)
            sa.event.listen(self._engine, "connect", use_pragmas(*FAST, *SAFE))
        elif self._url.get_backend_name() == "postgresql":
            sa.event.listen(self._engine, "before_cursor_execute", _without_zeros, retval=True)
        try:
            with self.begin() as connection:
                self._begin_to_use(connection)
        except BaseException:
            self.close()
            raise

    @staticmethod
    def _begin_to_use(connection: sa.Connection) -> None:
        metadata.create_all(connection)
        found = connection.scalar(sa.select(about.c.value).where(about.c.name == "format"))
        if found is None:
            connection.execute(about.insert(), {"name": "format", "value": str(_FORMAT)})
        elif found != str(_FORMAT):
            sentence = _("The database has format {found}; this version of the kiosk knows {known}.")
            raise KioskError(sentence.format(found=found, known=_FORMAT))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While it lasts nobody else takes anything in or decides: what was read is still so when it is written.

        Whoever comes meanwhile waits. A process that is killed keeps nobody out.

        Raises:
            KioskError: if the database cannot be used.
        """
        if self._url.get_backend_name() != "sqlite":
            with self.begin() as connection:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ALONE)))
                yield
            return
        descriptor = os.open(f"{self._url.database}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

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

    @staticmethod
    def insert_many(connection: sa.Connection, table: sa.Table, rows: Sequence[tuple[Any, ...]]) -> None:
        """Inserts rows as fast as the database can: COPY on PostgreSQL, one prepared statement on SQLite.

        Args:
            connection: in a transaction.
            table: the table.
            rows: values in the order of its columns; their texts hold no U+0000, which PostgreSQL does not take.
        """
        if not rows:
            return
        names = [column.name for column in table.columns]
        if connection.dialect.name == "postgresql":
            raw: Any = connection.connection.driver_connection
            said = f"COPY {table.name} ({', '.join(names)}) FROM STDIN (FORMAT BINARY)"
            with raw.cursor() as cursor, cursor.copy(said) as copy:
                copy.set_types([column.type.compile(connection.dialect).lower() for column in table.columns])
                for row in rows:
                    copy.write_row(row)
        else:
            connection.exec_driver_sql(
                f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",  # noqa: S608
                list(rows),
            )

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


SAFE: Final = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 10000")
FAST: Final = ("page_size = 8192", "cache_size = -65536")
"""A registration with its sealed numbers fills more than a quarter of SQLite's usual page of 4,096 bytes, and would
take another page for itself. A file keeps the pages that it was made with. The cache has 64 MiB."""


def use_pragmas(*pragmas: str) -> Callable[[Any, object], None]:
    """What gives every new connection to SQLite these settings."""

    def use(connection: Any, _record: object) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    return use


def _without_zeros(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> tuple[str, Any]:
    """PostgreSQL's texts cannot hold U+0000, and nobody who hands one over must keep all others out."""
    if isinstance(parameters, Mapping):
        return statement, {name: _without_zero(value) for name, value in parameters.items()}
    if isinstance(parameters, list):
        return statement, [
            {name: _without_zero(value) for name, value in each.items()} if isinstance(each, Mapping) else each
            for each in parameters
        ]
    return statement, parameters


def _without_zero(value: Any) -> Any:
    return value.replace("\0", "\ufffd") if type(value) is str and "\0" in value else value
