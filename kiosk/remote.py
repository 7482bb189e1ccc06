"""A place where files are handed over: a folder or stick, SFTP, WebDAV or S3, by its URL.

It knows of names and bytes only. Files in a folder are written durably and read back past the memory of the machine;
everything else goes through fsspec, and is read back, too. It needs the extra `sync` but for folders.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import stat
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from kiosk.durable import make_folder, write_beside
from kiosk.errors import KioskError, WrongUsage
from kiosk.i18n import _
from kiosk.trust import are_host_keys
from kiosk.wording import cause

CREDENTIALS: Final = "sync-credentials.json"
"""The file in a data folder with `user`, `password`, `key_file` (SFTP) and `endpoint` (S3), each if it is needed."""
_KNOWN_HOSTS: Final = "known_hosts"
_MEMBERS: Final = ("user", "password", "key_file", "endpoint")
_PATIENCE: Final = 20.0
"""Seconds without an answer after which a server counts as gone."""


class RemoteError(KioskError):
    """The place cannot be used, or not now."""


class Missing(RemoteError):
    """There is no such file."""


class Unusable(RemoteError):
    """What lies there under that name cannot be read, or is no file; everything else at the place may be good."""


LARGEST: Final = 64 * 2**20
"""Bytes of the largest file that is read from a folder; what a station hands over is far smaller."""


class Credentials(Struct, frozen=True):
    """How to prove who one is; what is empty is left to the servers' own ways, such as an SSH agent.

    Attributes:
        user, password: the same for all kinds; for S3 the access key and its secret.
        key_file: a private key of SSH.
        endpoint: the URL of an S3 server that is not Amazon's.
        folder: where the SSH keys of servers are kept, or None: then those of the user's own `known_hosts` count.
    """

    user: str = ""
    password: str = ""
    key_file: str = ""
    endpoint: str = ""
    folder: Path | None = None

    def __repr__(self) -> str:
        return "Credentials(...)"  # nothing of it may come into a log

    @classmethod
    def find(cls, folder: Path, environment: Mapping[str, str] = os.environ) -> Credentials:
        """Those in the environment (`KIOSK_SYNC_USER`, `_PASSWORD`, `_KEY_FILE`, `_ENDPOINT`), or in `CREDENTIALS`.

        Args:
            folder: the data folder.
            environment: the environment.

        Raises:
            WrongUsage: if the file cannot be read, or by others, too.
        """
        told = {name: environment.get(f"KIOSK_SYNC_{name.upper()}", "") for name in _MEMBERS}
        path = folder / CREDENTIALS
        if not any(told.values()):
            with suppress(FileNotFoundError):
                told = _read_credentials(path)
        return cls(**told, folder=folder)


def _read_credentials(path: Path) -> dict[str, str]:
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            sentence = _("Others may read {file}. Please run: chmod 600 {file}")
            raise WrongUsage(sentence.format(file=path))
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict) or any(type(text) is not str for text in found.values()):
            raise ValueError(path)
        return {name: found.get(name, "") for name in _MEMBERS}
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise WrongUsage(_("The file {file} cannot be read.").format(file=path)) from error


class Place(ABC):
    """Where files are handed over.

    Attributes:
        shown: what people call it: the URL without a password.
        is_folder: whether it is a folder or a stick, which somebody has brought, and no server.
    """

    shown: str
    is_folder = False

    @abstractmethod
    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            Missing: if there is none of that name.
            RemoteError: if it cannot be read.
        """

    def write(self, name: str, content: bytes) -> None:
        """Makes or replaces a file, and reads it back.

        Raises:
            RemoteError: if it could not be written, or something else is there afterwards.
        """
        self._put(name, content)
        if self._get_back(name) != content:
            sentence = _("{place} does not keep what is written to it. Please use another one.")
            raise RemoteError(sentence.format(place=self.shown))

    @abstractmethod
    def _put(self, name: str, content: bytes) -> None: ...

    def _get_back(self, name: str) -> bytes:
        return self.read(name)

    @abstractmethod
    def top(self) -> tuple[list[str], list[str]]:
        """Names of the folders and of the files at the top. It is a hint: what was just written may be missing.

        Raises:
            RemoteError: if they cannot be listed.
        """

    @abstractmethod
    def files(self, folder: str) -> list[str]:
        """Names of all files below a folder, such as `folder/sub/file`; none where there is no such folder. A hint.

        Raises:
            RemoteError: if they cannot be listed.
        """

    def close(self) -> None:  # noqa: B027 - most have nothing to give back
        """Gives connections back."""


def check_url(url: str) -> None:
    """Makes sure that a URL is one that `place_at` knows; nobody is asked whether anything is there.

    Raises:
        WrongUsage: if it is not, or holds a password.
    """
    scheme, shown = url.partition("://")[0], url
    try:
        parts = urlsplit(url)
        if parts.password is not None:
            sentence = _("A password does not belong into a URL, where others can read it. Please put it into {file}.")
            raise WrongUsage(sentence.format(file=CREDENTIALS))
        known = scheme == "file" or (scheme in _FILESYSTEMS and parts.hostname and parts.port != 0)
    except ValueError:  # such as a port of six digits; or it is a password, where somebody has left the server out
        known, shown = False, f"{scheme}://..."
    if not known:
        sentence = _("{url} is no place that is known here: a folder, or sftp://, webdav://, webdavs:// or s3://")
        raise WrongUsage(sentence.format(url=shown))


def place_at(url: str, credentials: Credentials, *, make: bool = True) -> Place:
    """The place that a path or a URL names.

    Args:
        url: a path, or a URL with `file`, `sftp`, `webdav`, `webdavs` or `s3`.
        credentials: for servers.
        make: whether the last part of a path is made if it is missing; what is above it must be there: where a stick
            is not in, nothing must be written beside it.

    Raises:
        WrongUsage: if it is no such URL, or holds a password.
        RemoteError: if the place is not there.
    """
    scheme, parted, rest = url.partition("://")
    if not parted:
        return _Folder(Path(url), make)
    check_url(url)
    parts = urlsplit(url)
    if scheme == "file":
        return _Folder(Path(unquote(parts.path if rest.startswith(("/", "localhost/")) else rest)), make)
    return _Server(url, credentials, make)


# --- a folder or a stick --------------------------------------------------------------------------------------------


class _Folder(Place):
    is_folder = True

    def __init__(self, path: Path, make: bool) -> None:
        self.shown, self._path = str(path), path
        if not path.is_dir():
            if not make or not path.parent.is_dir():
                sentence = _("There is no folder {folder}. Is the stick in?")
                raise RemoteError(sentence.format(folder=path if not make else path.parent))
            with _told(self.shown):
                make_folder(path)
        with _told(self.shown):
            self._device = path.stat().st_dev

    @contextmanager
    def _there(self) -> Iterator[None]:
        """Asks for the folder first, and again where something is missing: a stick may have been pulled out."""
        with _told(self.shown):
            self._demand()
            try:
                yield
            except FileNotFoundError:
                self._demand()
                raise

    def _demand(self) -> None:
        with suppress(FileNotFoundError):
            # Where a stick was, an empty folder of the machine itself may be left.
            if self._path.is_dir() and self._path.stat().st_dev == self._device:
                return
        raise FileNotFoundError(errno.ENODEV, os.strerror(errno.ENODEV))

    def read(self, name: str) -> bytes:
        with self._there():
            # Not to wait for whoever writes to it, if it is no file but a pipe.
            descriptor = os.open(self._path / name, os.O_RDONLY | os.O_NONBLOCK)
            try:
                found = os.fstat(descriptor)
                if not stat.S_ISREG(found.st_mode):
                    raise Unusable(_("{place}, {name}: this is no file.").format(place=self.shown, name=name))
                if found.st_size > LARGEST:
                    raise Unusable(_("{place}, {name}: this is too large.").format(place=self.shown, name=name))
                with open(descriptor, "rb", closefd=False) as file:
                    return file.read()
            finally:
                os.close(descriptor)

    def _put(self, name: str, content: bytes) -> None:
        path = self._path / name
        with self._there():
            make_folder(path.parent)
            write_beside(path, content)

    def _get_back(self, name: str) -> bytes:
        with self._there():
            descriptor = os.open(self._path / name, os.O_RDONLY)
            try:
                # From the stick itself, and not from what the machine remembers of having written there.
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                with open(descriptor, "rb", closefd=False) as file:
                    return file.read()
            finally:
                os.close(descriptor)

    def top(self) -> tuple[list[str], list[str]]:
        with self._there():
            entries = [(entry.is_dir(), entry.name) for entry in os.scandir(self._path)]
        return _sorted_out(entries)

    def files(self, folder: str) -> list[str]:
        found = []
        with self._there():
            for path, _folders, names in os.walk(self._path / folder, onerror=_unless_missing):
                below = Path(path).relative_to(self._path).as_posix()
                found += [f"{below}/{name}" for name in names if not name.startswith(".")]
            self._demand()
        return sorted(found)


def _unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error


@contextmanager
def _told(place: str) -> Iterator[None]:
    """Turns what goes wrong into a sentence without a name, a password or a line of code."""
    try:
        yield
    except FileNotFoundError as error:
        if error.errno == errno.ENODEV:
            raise RemoteError(_("{place} is not there any more. Is the stick in?").format(place=place)) from error
        raise Missing(_("{place} does not hold what is looked for.").format(place=place)) from error
    except NotADirectoryError as error:
        raise Missing(_("{place} does not hold what is looked for.").format(place=place)) from error
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EIO, errno.EISDIR, errno.EILSEQ):
            raise Unusable(str(_unusable(place, cause(error)))) from error
        raise _unusable(place, cause(error)) from error


# --- servers --------------------------------------------------------------------------------------------------------


def _sftp(parts: Any, credentials: Credentials) -> tuple[Any, str]:
    import paramiko
    from fsspec.implementations.sftp import SFTPFileSystem

    class Sftp(SFTPFileSystem):  # type: ignore[misc] # fsspec has no types
        """The same, which believes a server once and from then on nobody in its place."""

        def _connect(self) -> None:
            self.client = paramiko.SSHClient()
            if credentials.folder is None:
                self.client.load_system_host_keys()
            else:
                known = credentials.folder / _KNOWN_HOSTS
                known.touch(mode=0o600)
                if not are_host_keys(known.read_bytes()):  # another server would be believed in place of a lost one
                    raise RemoteError(_("The file {file} cannot be read.").format(file=known))
                self.client.load_host_keys(str(known))
                self.client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
            begun = time.monotonic()
            # Paramiko waits for some answers without an end; then the line is cut.
            watch = threading.Timer(2 * _PATIENCE, self.client.close)
            watch.daemon = True
            watch.start()
            try:
                self.client.connect(self.host, **self.ssh_kwargs)
                self.ftp = self.client.open_sftp()
                self.ftp.get_channel().settimeout(_PATIENCE)
            except Exception as error:
                self.client.close()
                if time.monotonic() - begun >= _PATIENCE:
                    raise TimeoutError from error
                raise
            finally:
                watch.cancel()

    # It logs what goes wrong with a traceback, which would come onto the screen where nobody has asked for logs.
    if not (logger := logging.getLogger("paramiko")).hasHandlers():
        logger.addHandler(logging.NullHandler())
    options: dict[str, Any] = {"port": parts.port or 22}
    options |= dict.fromkeys(("timeout", "banner_timeout", "auth_timeout", "channel_timeout"), _PATIENCE)
    if user := parts.username or credentials.user:
        options["username"] = unquote(user)
    if credentials.password:
        options["password"] = credentials.password
    if credentials.key_file:
        options["key_filename"] = credentials.key_file
    if credentials.password or credentials.key_file:
        options |= {"allow_agent": False, "look_for_keys": False}
    return Sftp(parts.hostname, skip_instance_cache=True, **options), unquote(parts.path).rstrip("/") or "/"


def _webdav(parts: Any, credentials: Credentials) -> tuple[Any, str]:
    from webdav4.fsspec import WebdavFileSystem

    class Webdav(WebdavFileSystem):  # type: ignore[misc] # fsspec has no types
        """The same, which makes no folder that nobody has asked for."""

        def mkdirs(self, path: str, exist_ok: bool = False) -> None:
            """Does nothing: it is called before each file is written."""

    address = f"{'https' if parts.scheme == 'webdavs' else 'http'}://{parts.netloc.rpartition('@')[2]}"
    user = parts.username or credentials.user
    auth = (unquote(user), credentials.password) if user else None
    made = Webdav(address, auth=auth, timeout=_PATIENCE, skip_instance_cache=True)
    return made, unquote(parts.path).strip("/")


def _s3(parts: Any, credentials: Credentials) -> tuple[Any, str]:
    from s3fs import S3FileSystem

    made = S3FileSystem(
        key=credentials.user or None,
        secret=credentials.password or None,
        endpoint_url=credentials.endpoint or None,
        config_kwargs={"connect_timeout": _PATIENCE, "read_timeout": _PATIENCE, "retries": {"total_max_attempts": 2}},
        skip_instance_cache=True,
        use_listings_cache=False,
    )
    made.retries = 1  # its own, on top of those
    return made, f"{parts.hostname}/{unquote(parts.path).strip('/')}".rstrip("/")


_FILESYSTEMS: Final = {"sftp": _sftp, "webdav": _webdav, "webdavs": _webdav, "s3": _s3}


class _Server(Place):
    def __init__(self, url: str, credentials: Credentials, make: bool) -> None:
        parts = urlsplit(url)
        self.shown, self._has_folders = url, parts.scheme != "s3"
        # Of two threads that ask Paramiko, one may read and drop the answer that the other waits for.
        self._one_at_a_time = threading.RLock() if parts.scheme == "sftp" else nullcontext()
        self._files: Any = None
        try:
            with self._asked():
                self._files, self._base = _FILESYSTEMS[parts.scheme](parts, credentials)
                self._made = {self._base, ""}
                if make and self._has_folders and self._base.strip("/") and not self._files.isdir(self._base):
                    self._make_base(f"{parts.scheme}://{parts.netloc}")
        except ImportError as error:
            raise RemoteError(_("This way of sending is not installed: pip install 'kiosk[sync]'")) from error
        except RemoteError:
            self.close()
            raise

    def _make_base(self, server: str) -> None:
        parent = self._base.rpartition("/")[0]
        if parent and not self._files.isdir(parent):
            raise _unusable(f"{server}/{parent.lstrip('/')}", _not_there())
        self._make_folder(self._base)

    def _path(self, name: str) -> str:
        return f"{self._base.rstrip('/')}/{name}" if self._base else name

    @contextmanager
    def _asked(self, *, for_file: bool = False) -> Iterator[None]:
        """Turns whatever the libraries raise into a sentence; their own may hold addresses and names of users."""
        try:
            with self._one_at_a_time:
                yield
        except (RemoteError, ImportError):
            raise
        except Exception as error:
            if not _is_missing(error):
                raise _unusable(self.shown, _why(error)) from error
            if not for_file or _is_bucket(error):
                raise _unusable(self.shown, _not_there()) from error
            raise Missing(_("{place} does not hold what is looked for.").format(place=self.shown)) from error

    def read(self, name: str) -> bytes:
        with self._asked(for_file=True):
            return bytes(self._files.cat_file(self._path(name)))

    def _put(self, name: str, content: bytes) -> None:
        path = self._path(name)
        with self._asked():
            if self._has_folders:
                self._make(path.rpartition("/")[0])
            self._files.pipe_file(path, content)

    def _make(self, folder: str) -> None:
        if folder in self._made:
            return
        self._make(folder.rpartition("/")[0])
        if not self._files.isdir(folder):
            self._make_folder(folder)
        self._made.add(folder)

    def _make_folder(self, folder: str) -> None:
        try:
            self._files.mkdir(folder, create_parents=False)
        except Exception:
            if not self._files.isdir(folder):  # another station may have made it just now
                raise

    def top(self) -> tuple[list[str], list[str]]:
        with self._asked():
            try:
                entries = self._files.ls(self._base, detail=True)
            except Exception as error:
                # S3 has no folders: one in which nothing lies is not there.
                if self._has_folders or not _is_missing(error) or _is_bucket(error):
                    raise
                entries = []
            return _sorted_out((entry["type"] == "directory", _last(entry["name"])) for entry in entries)

    def files(self, folder: str) -> list[str]:
        # Without being told so, fsspec takes a folder that cannot be read for one that is empty.
        strictly = {"on_error": "raise"} if self._has_folders else {}
        with self._asked():
            try:
                return sorted(self._below(folder, self._files.find(self._path(folder), **strictly)))
            except Exception as error:
                if _is_missing(error) and not _is_bucket(error):
                    return []
                raise

    def _below(self, folder: str, paths: Iterable[str]) -> Iterator[str]:
        start = self._path(folder).strip("/") + "/"
        for path in paths:
            if path.strip("/").startswith(start):
                yield f"{folder}/{path.strip('/').removeprefix(start)}"

    def close(self) -> None:
        with suppress(Exception):
            client = self._files.client
            (client.http if hasattr(client, "http") else client).close()


def _sorted_out(entries: Iterable[tuple[bool, str]]) -> tuple[list[str], list[str]]:
    """Folders and files; what begins with a dot is in the making."""
    seen = [(is_folder, name) for is_folder, name in entries if name and not name.startswith(".")]
    return sorted(name for is_folder, name in seen if is_folder), sorted(name for folder, name in seen if not folder)


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _is_missing(error: BaseException) -> bool:
    return isinstance(error, FileNotFoundError) or type(error).__name__ in ("ResourceNotFound", "NoSuchKey")


def _is_bucket(error: BaseException) -> bool:
    """Whether it is the bucket of S3 that is missing."""
    return _code_of_s3(error) == "NoSuchBucket"


def _code_of_s3(error: BaseException) -> str:
    """What S3 itself calls it."""
    told = getattr(error.__cause__ or error, "response", None)
    return str(told.get("Error", {}).get("Code", "")) if isinstance(told, dict) else ""


def _not_there() -> str:
    return cause(FileNotFoundError(errno.ENOENT, ""))


def _unusable(place: str, why: str) -> RemoteError:
    return RemoteError(_("{place} cannot be used: {error}.").format(place=place, error=why))


def _why(error: BaseException) -> str:
    """Why a server could not be used, in words that fit behind a colon."""
    name = type(error).__name__
    status = getattr(error, "status_code", None)
    if "Timeout" in name or isinstance(error, TimeoutError):
        return _("it does not answer")
    if name == "BadHostKeyException":
        return _("it is not the server that it was; please ask headquarters")
    if "Auth" in name or "Credentials" in name or status in (401, 403) or isinstance(error, PermissionError):
        return _("it does not let this station in; please check user and password")
    if "Connect" in name or name in ("NoValidConnectionsError", "gaierror"):
        return _("it cannot be reached")
    if name == "InsufficientStorage":
        return cause(OSError(errno.ENOSPC, ""))
    if status == 409:  # WebDAV: the folder above is missing
        return _not_there()
    if status:
        return f"HTTP {status}"
    if code := _code_of_s3(error):
        return code
    if isinstance(error, OSError) and error.errno:
        return cause(error)
    if isinstance(error, (OSError, EOFError)) or type(error).__module__ != "builtins":
        return _("it breaks off, or answers what is not understood")
    return name


# X
