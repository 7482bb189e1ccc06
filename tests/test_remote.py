"""Places where files are handed over: folders, and real SFTP, WebDAV and S3 servers, whole and as they fail.

Every sentence that is told of a failure goes through `trouble`, which looks for the password in it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from kiosk import remote
from kiosk.errors import KioskError, WrongUsage
from kiosk.i18n import _
from kiosk.remote import CREDENTIALS, Credentials, Missing, Place, RemoteError, place_at
from kiosk.trust import are_host_keys
from tests.servers import KINDS, PASSWORD, USER, Rclone, Servers, answering, only_letting_in

Own = Callable[[str], Rclone]
ALL = ("folder", "file", *KINDS)
WITH_FOLDERS = ("folder", "file", "sftp", "webdav")


def trouble(call: Callable[[], object], kind: type[KioskError] = RemoteError, *, is_missing: bool | None = None) -> str:
    """What people are told when `call` fails, never with the password, and whether it is that a file is missing."""
    with pytest.raises(kind) as caught:
        call()
    assert is_missing in (None, isinstance(caught.value, Missing))
    text = str(caught.value)
    assert text.strip()
    assert PASSWORD not in text
    return text


class Where(Struct):
    """A place for one test: its URL, what is needed for it, and the folder behind it, which is not made yet."""

    kind: str
    url: str
    credentials: Credentials
    folder: Path

    def open(self, **more: Any) -> Place:
        return place_at(self.url, self.credentials, **more)

    def sibling(self, path: str) -> Where:
        """Another place, seen from the folder above this one."""
        return replace(self, url=f"{self.url.rpartition('/')[0]}/{path}", folder=self.folder.parent / path)


def somewhere(kind: str, servers: Servers, tmp_path: Path) -> Where:
    if kind in KINDS:
        server = servers[kind]
        bucket = f"test-{os.getpid()}-{time.monotonic_ns()}"  # a name that serves as a bucket's, too
        (server.folder / bucket).mkdir()
        return Where(kind, server.url(f"{bucket}/place"), server.credentials, server.folder / bucket / "place")
    folder = tmp_path / "stick" / "place"
    folder.parent.mkdir()
    return Where(kind, str(folder) if kind == "folder" else folder.as_uri(), Credentials(), folder)


@pytest.fixture(params=ALL)
def where(request: pytest.FixtureRequest, servers: Servers, tmp_path: Path) -> Where:
    """A place of each kind."""
    return somewhere(request.param, servers, tmp_path)


@pytest.fixture
def place(where: Where) -> Iterator[Place]:
    """The place, open."""
    opened = where.open()
    yield opened
    opened.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that has not answered after a second counts as gone."""
    monkeypatch.setattr(remote, "_PATIENCE", 1.0)


def below(folder: Path) -> list[str]:
    """Everything in a folder, hidden or not."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


# --- what is written can be read ------------------------------------------------------------------------------------


CONTENTS = {
    "text": "翠苑街道，第三社区".encode(),
    "binary": bytes(range(256)) * 3 + b"\r\n\x00",
    "empty": b"",
    "large": bytes(range(251)) * 4001,
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_what_is_written_is_what_is_read_and_what_lies_there(where: Where, place: Place, content: bytes) -> None:
    place.write("HEAD", content)
    assert place.read("HEAD") == content
    assert (where.folder / "HEAD").read_bytes() == content
    again = where.open()
    assert again.read("HEAD") == content
    again.close()


def test_a_file_is_replaced_wholly(where: Where, place: Place) -> None:
    for content in (b"a long one, to begin with", b"short", b"", b"again"):
        place.write("S1/HEAD", content)
        assert place.read("S1/HEAD") == content
    assert below(where.folder) == ["S1", "S1/HEAD"]


def test_names_may_be_nested_and_chinese(where: Where, place: Place) -> None:
    names = ["S1/00ab/000001-ff", "S1/00ab/000002-ee", "S1/HEAD", "hq/receipts/S1", "回执/站点 一/数据.json"]
    for name in names:
        place.write(name, name.encode())
    assert [place.read(name).decode() for name in names] == names
    assert all((where.folder / name).read_text("utf-8") == name for name in names)
    assert place.files("S1") == names[:3]
    assert place.files("S1/00ab") == names[:2]
    assert place.files("回执") == names[4:]


def test_what_is_at_the_top_and_below(where: Where, place: Place) -> None:
    assert place.top() == ([], [])
    for name in ("b/1", "b/2/3", "a/1", "z", "y", "bb/1"):
        place.write(name, b"x")
    (where.folder / ".in-the-making").write_bytes(b"x")
    assert place.top() == (["a", "b", "bb"], ["y", "z"])
    assert place.files("b") == ["b/1", "b/2/3"]
    assert place.files("no") == place.files("no/such") == []


@pytest.mark.parametrize("name", ["no", "no/such/file", "S1/no"])
def test_a_file_that_is_not_there_is_missing(where: Where, place: Place, name: str) -> None:
    place.write("S1/HEAD", b"x")
    assert where.url in trouble(lambda: place.read(name), Missing) or where.kind == "file"


def test_several_threads_may_ask_one_place(place: Place, impatient: None) -> None:
    """Headquarters does; with one connection an answer must not go to another than who has asked."""
    names = [f"S{number}/HEAD" for number in range(8)]
    for name in names:
        place.write(name, name.encode() * 5000)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(place.read, names * 12))
    assert found == [name.encode() * 5000 for name in names * 12]


# --- only the last part of a path is made ---------------------------------------------------------------------------


def test_the_last_part_is_made_and_may_be_there(where: Where) -> None:
    for _time in range(2):
        opened = where.open()
        opened.write("a", b"x")
        opened.close()
    assert below(where.folder) == ["a"]


def test_a_slash_at_the_end_is_the_same_place(where: Where, place: Place) -> None:
    place.write("S1/HEAD", b"x")
    again = replace(where, url=f"{where.url}/").open()
    assert again.read("S1/HEAD") == b"x"
    again.write("S1/HEAD", b"y")
    assert (again.top(), again.files("S1")) == ((["S1"], []), ["S1/HEAD"])
    assert below(where.folder) == ["S1", "S1/HEAD"]
    again.close()


@pytest.mark.parametrize("where", WITH_FOLDERS, indirect=True)
def test_with_a_slash_at_the_end_nothing_more_is_made(where: Where) -> None:
    opened = replace(where, url=f"{where.url}/").open()
    where.folder.parent.rename(where.folder.parent.with_name("gone"))
    trouble(lambda: opened.write("S1/HEAD", b"x"), is_missing=False)
    assert not where.folder.parent.exists()
    where.folder.parent.with_name("gone").rename(where.folder.parent)
    opened.close()


@pytest.mark.parametrize("where", WITH_FOLDERS, indirect=True)
def test_what_is_above_is_not_made_but_named(where: Where) -> None:
    """Where a stick is not in, nothing must be written beside it."""
    deep = where.sibling("not-there/place")
    told = trouble(deep.open)
    assert "not-there" in told
    assert "not-there/place" not in told  # the part that is missing, and not the one that would be made
    assert below(where.folder.parent) == []


@pytest.mark.parametrize("where", ["s3"], indirect=True)
def test_a_bucket_is_not_made_but_told(where: Where, servers: Servers) -> None:
    """S3 makes buckets itself, and has no other folders."""
    opened = replace(where, url="s3://no-such-bucket/place").open()
    for call in (
        lambda: opened.read("S1/HEAD"),
        lambda: opened.write("S1/HEAD", b"x"),
        opened.top,
        lambda: opened.files("S1"),
    ):
        assert _("it is not there") in trouble(call, is_missing=False)
    assert not (servers["s3"].folder / "no-such-bucket").exists()
    opened.close()


@pytest.mark.parametrize("where", WITH_FOLDERS, indirect=True)
def test_headquarters_makes_no_place(where: Where) -> None:
    def collect() -> None:
        opened = where.open(make=False)
        try:
            opened.top()
        finally:
            opened.close()

    assert "place" in trouble(collect)
    assert below(where.folder.parent) == []


# --- pulled out -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", WITH_FOLDERS, indirect=True)
@pytest.mark.parametrize("is_parent_gone", [False, True])
def test_a_place_that_is_gone_is_not_made_again_and_goes_on_when_it_is_back(
    where: Where, place: Place, is_parent_gone: bool
) -> None:
    place.write("S1/HEAD", b"before")
    gone = where.folder.parent if is_parent_gone else where.folder
    gone.rename(gone.with_name(f"{gone.name}-pulled-out"))
    for write in (lambda: place.write("S1/HEAD", b"x"), lambda: place.write("S2/00/1", b"x"), place.top):
        assert "HTTP" not in trouble(write, is_missing=False)
    trouble(lambda: place.read("S1/HEAD"))
    assert not gone.exists()
    gone.with_name(f"{gone.name}-pulled-out").rename(gone)
    time.sleep(0.002)  # for so long the server may remember what it has seen
    assert place.read("S1/HEAD") == b"before"
    place.write("S1/HEAD", b"after")
    assert (where.folder / "S1/HEAD").read_bytes() == b"after"


@pytest.mark.parametrize("where", ["folder", "file"], indirect=True)
def test_nothing_is_missing_on_a_stick_that_is_gone(where: Where, place: Place) -> None:
    """Or headquarters would believe that a station has handed nothing over."""
    place.write("S1/HEAD", b"x")
    shutil.rmtree(where.folder)
    for call in (lambda: place.read("S1/HEAD"), lambda: place.files("S1"), place.top):
        assert str(where.folder) in trouble(call, is_missing=False)


@pytest.fixture
def stick(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB in memory; mounting it is root's right."""
    folder = tmp_path / "mounted"
    folder.mkdir()
    try:
        command = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", str(folder)]
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a small tmpfs cannot be mounted here: {getattr(error, 'stderr', '') or error}")
    yield folder
    if folder.is_mount():
        subprocess.run(["umount", str(folder)], check=True)


def test_nothing_is_written_into_the_empty_folder_where_a_stick_was(stick: Path) -> None:
    place = place_at(str(stick), Credentials())
    place.write("S1/HEAD", b"x")
    subprocess.run(["umount", str(stick)], check=True)
    for call in (lambda: place.write("S1/HEAD", b"y"), lambda: place.read("S1/HEAD"), place.top):
        trouble(call, is_missing=False)
    assert below(stick) == []


def test_on_a_full_stick_what_was_there_stays_whole(stick: Path) -> None:
    place = place_at(str(stick / "place"), Credentials())
    old = b"old" * 5000
    place.write("S1/HEAD", old)
    for name in ("S1/HEAD", "S1/00/1"):
        assert _("the disk is full") in trouble(lambda name=name: place.write(name, bytes(100_000)))  # type: ignore[misc]
    assert place.read("S1/HEAD") == old
    assert [name for name in below(stick / "place") if (stick / "place" / name).is_file()] == ["S1/HEAD"]
    place.write("S1/HEAD", b"new")
    assert place.read("S1/HEAD") == b"new"


# --- what does not keep what is written -----------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [b"", b"whole conten", b"something else"])
def test_a_place_that_does_not_keep_what_is_written_is_refused(
    place: Place, kept: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = place._put
    monkeypatch.setattr(place, "_put", lambda name, content: put(name, kept))
    told = trouble(lambda: place.write("S1/HEAD", b"whole content"))
    assert told == _("{place} does not keep what is written to it. Please use another one.").format(place=place.shown)
    monkeypatch.setattr(place, "_put", lambda name, content: None)
    trouble(lambda: place.write("S2/HEAD", b"whole content"))  # written to nowhere at all


# --- servers that fail ----------------------------------------------------------------------------------------------


def used(url: str, credentials: Credentials) -> None:
    """Opens a place, and asks for something."""
    place = place_at(url, credentials)
    try:
        place.read("S1/HEAD")
    except Missing as error:
        raise AssertionError from error
    finally:
        place.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_password_is_told(servers: Servers, kind: str) -> None:
    server = servers[kind]
    (server.folder / "wrong").mkdir(exist_ok=True)
    for wrong in ({"password": "falsch-0815"}, {"user": "nobody-else"}):
        told = trouble(lambda wrong=wrong: used(server.url("wrong/place"), replace(server.credentials, **wrong)))  # type: ignore[misc]
        assert _("it does not let this station in; please check user and password") in told
        assert "falsch-0815" not in told
    assert below(server.folder / "wrong") == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_gone_is_told_and_is_there_again(own_server: Own, kind: str, impatient: None) -> None:
    server = own_server(kind)
    (server.folder / "box").mkdir()
    place = place_at(server.url("box/place"), server.credentials)
    place.write("S1/HEAD", b"before")
    server.kill()
    for call in (
        lambda: place.read("S1/HEAD"),
        lambda: place.write("S1/HEAD", b"x"),
        place.top,
        lambda: place.files("S1"),
    ):
        assert "Error" not in trouble(call, is_missing=False)  # a sentence, and not the name of a class
    place.close()
    told = trouble(lambda: used(server.url("box/place"), server.credentials))
    assert _("it cannot be reached") in told
    server.start()
    again = place_at(server.url("box/place"), server.credentials)
    assert again.read("S1/HEAD") == b"before"
    again.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_stands_still_is_not_waited_for(own_server: Own, kind: str, impatient: None) -> None:
    server = own_server(kind)
    (server.folder / "box").mkdir()
    place = place_at(server.url("box/place"), server.credentials)
    place.write("S1/HEAD", b"x")
    with server.hanging():
        for call in (lambda: place.read("S1/HEAD"), lambda: used(server.url("box/place"), server.credentials)):
            begun = time.monotonic()
            assert _("it does not answer") in trouble(call)
            assert time.monotonic() - begun < 10
    place.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_port_where_nobody_answers_is_not_waited_for(kind: str, impatient: None, tmp_path: Path) -> None:
    with answering(None) as port:
        begun = time.monotonic()
        assert _("it does not answer") in trouble(lambda: used(*at(kind, port, tmp_path)))
        assert time.monotonic() - begun < 10


def test_an_sftp_server_that_lets_one_in_and_says_no_more_is_not_waited_for(impatient: None, tmp_path: Path) -> None:
    with only_letting_in() as port:
        begun = time.monotonic()
        assert _("it does not answer") in trouble(lambda: used(*at("sftp", port, tmp_path)))
        assert time.monotonic() - begun < 10


def at(kind: str, port: int, folder: Path) -> tuple[str, Credentials]:
    """URL and credentials for whatever listens on a port."""
    known = Credentials(USER, PASSWORD, endpoint=f"http://127.0.0.1:{port}", folder=folder)
    return ("s3://box/place" if kind == "s3" else f"{kind}://127.0.0.1:{port}/box/place"), known


NONSENSE = {
    "noise": b"\x00\xff\x13" * 700,
    "greeting": "您好，请讲。\r\n".encode(),
    "nothing": b"",
    "page": b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nContent-Type: text/html\r\n\r\n<html>hello!",
    "broken": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
    "cut off": b"HTTP/1.1 207 Multi-Status\r\nContent-Length: 999\r\nContent-Type: text/xml\r\n\r\n<?xml ",
    "ssh": b"SSH-2.0-OpenSSH_9.9\r\n\x00\x00\x00\x0cnonsense....",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE)
def test_a_server_that_answers_nonsense_is_told(kind: str, answer: bytes, impatient: None, tmp_path: Path) -> None:
    def both() -> None:
        url, known = at(kind, port, tmp_path)
        place = place_at(url, known)
        try:
            place.write("S1/HEAD", b"x")  # any page may be the content of a file: what was written is not
        finally:
            place.close()

    with answering(answer) as port:
        begun = time.monotonic()
        told = trouble(both)
        assert str(port) in told or kind == "s3"
        assert time.monotonic() - begun < 15


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("401 Unauthorized", "it does not let this station in; please check user and password"),
        ("403 Forbidden", "it does not let this station in; please check user and password"),
        ("507 Insufficient Storage", "the disk is full"),
        ("503 Service Unavailable", "HTTP 503"),
    ],
)
def test_what_webdav_answers_has_its_words(status: str, said: str, tmp_path: Path) -> None:
    with answering(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()) as port:
        assert _(said) in trouble(lambda: used(*at("webdav", port, tmp_path)))


def test_a_server_with_another_key_is_refused(own_server: Own) -> None:
    server = own_server("sftp")
    known = (server.credentials.folder or Path()) / "known_hosts"
    place_at(server.url("place"), server.credentials).close()
    first = known.read_bytes()
    assert str(server.port).encode() in first
    place_at(server.url("place"), server.credentials).close()
    server.stop()
    server.change_host_key()
    server.start()
    for _time in range(2):  # it does not get used to it
        told = trouble(lambda: place_at(server.url("place"), server.credentials))
        assert _("it is not the server that it was; please ask headquarters") in told
    assert known.read_bytes() == first
    assert known.stat().st_mode & 0o777 == 0o600
    known.unlink()  # whoever was told that it is another one now
    place_at(server.url("place"), server.credentials).close()
    assert known.stat().st_mode & 0o777 == 0o600
    assert known.read_bytes() != first


@pytest.mark.parametrize("garbled", [b"{", b"\xff\xfe", b"[127.0.0.1]:1 ssh-ed25519 AAAA\n"])
def test_no_server_is_believed_while_the_known_ones_cannot_be_read(servers: Servers, garbled: bytes) -> None:
    server = servers["sftp"]
    known = (server.credentials.folder or Path()) / "known_hosts"
    place_at(server.url("place"), server.credentials).close()
    right = known.read_bytes()
    assert are_host_keys(right)
    assert are_host_keys(b"@cert-authority " + right.replace(b" ", b"\t ") + b"  # of the tent\n")
    known.write_bytes(garbled)
    assert "known_hosts" in trouble(lambda: place_at(server.url("place"), server.credentials))
    assert known.read_bytes() == garbled
    known.write_bytes(right)
    place_at(server.url("place"), server.credentials).close()


@pytest.mark.parametrize("kind", KINDS)
def test_one_sentence_comes_onto_the_screen_and_no_log_of_a_library(
    kind: str, station_folder: Path, tmp_path: Path
) -> None:
    """Without a handler, what a library logs goes to stderr: into the middle of a screen."""
    with answering(NONSENSE["greeting"]) as port:
        url, known = at(kind, port, tmp_path)
        told = _sync(station_folder, url, {f"KIOSK_SYNC_{name.upper()}": getattr(known, name) for name in _MEMBERS})
    assert told.returncode == 1
    assert len(told.stderr.splitlines()) == 1, told.stderr
    assert PASSWORD not in told.stdout + told.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_said_when_all_is_well(servers: Servers, kind: str, station_folder: Path) -> None:
    (servers[kind].folder / f"well-{kind}").mkdir()
    told = _sync(station_folder, servers[kind].url(f"well-{kind}/place"), servers[kind].environment)
    assert (told.returncode, told.stderr) == (0, "")


_MEMBERS = ("user", "password", "endpoint")


def _sync(folder: Path, url: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kiosk", "--data", str(folder), "sync", url]
    return subprocess.run(
        command, check=False, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60
    )


# --- URLs and credentials -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        f"sftp://{USER}:{PASSWORD}@127.0.0.1/place",
        f"webdav://{USER}:{PASSWORD}@127.0.0.1/place",
        f"webdavs://:{PASSWORD}@127.0.0.1/place",
        f"s3://{USER}:{PASSWORD}@bucket/place",
        f"ftp://{USER}:{PASSWORD}@127.0.0.1/place",
    ],
)
def test_a_password_in_a_url_is_refused_and_not_repeated(url: str) -> None:
    assert CREDENTIALS in trouble(lambda: place_at(url, Credentials()), WrongUsage)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/place",
        "http://127.0.0.1/place",
        "sftp:///place",
        "s3://",
        "sftp://[::1/place",
        f"sftp://{USER}:{PASSWORD}/place",  # somebody has left the server out
        "webdav://127.0.0.1:123456/place",
        "://",
    ],
)
def test_what_is_no_place_is_refused(url: str) -> None:
    assert trouble(lambda: place_at(url, Credentials()), WrongUsage)


def test_a_url_may_name_the_user(servers: Servers) -> None:
    for kind in ("sftp", "webdav"):
        server = servers[kind]
        (server.folder / "named").mkdir(exist_ok=True)
        url = server.url("named/place").replace("://", f"://{USER}@")
        place = place_at(url, replace(server.credentials, user=""))
        place.write("a", b"x")
        place.close()
        assert (server.folder / "named/place/a").read_bytes() == b"x"


def test_credentials_come_from_the_environment(servers: Servers, tmp_path: Path) -> None:
    for kind in KINDS:
        server = servers[kind]
        found = Credentials.find(tmp_path, server.environment)
        assert found == replace(server.credentials, folder=tmp_path)
        (server.folder / f"found-{kind}").mkdir()
        place = place_at(server.url(f"found-{kind}/place"), found)
        place.write("a", b"x")
        place.close()


def test_credentials_come_from_a_file_that_nobody_else_reads(tmp_path: Path) -> None:
    path = tmp_path / CREDENTIALS
    assert Credentials.find(tmp_path, {}) == Credentials(folder=tmp_path)
    path.write_text(json.dumps({"user": USER, "password": PASSWORD, "key_file": "/k", "endpoint": "http://e"}))
    path.chmod(0o600)
    assert Credentials.find(tmp_path, {}) == Credentials(USER, PASSWORD, "/k", "http://e", tmp_path)
    told = {"KIOSK_SYNC_USER": "another"}  # the file and the environment are never mixed
    assert Credentials.find(tmp_path, told) == Credentials("another", folder=tmp_path)
    for mode in (0o640, 0o604, 0o660, 0o644):
        path.chmod(mode)
        assert str(path) in trouble(lambda: Credentials.find(tmp_path, {}), WrongUsage)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        f'{{"password": "{PASSWORD}"'.encode(),
        f'["{PASSWORD}"]'.encode(),
        b'{"password": 4711}',
        b"\xff\xfe",
        b"[" * 200_000,
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / CREDENTIALS
    path.write_bytes(content)
    path.chmod(0o600)
    assert str(path) in trouble(lambda: Credentials.find(tmp_path, {}), WrongUsage)


def test_credentials_show_nothing_of_themselves() -> None:
    known = Credentials(USER, PASSWORD, "/secret/key", "http://e")
    for shown in (repr(known), str(known), f"{known}", f"{[known]}"):
        assert not any(part in shown for part in (USER, PASSWORD, "/secret/key"))


# --- what it costs --------------------------------------------------------------------------------------------------


HEAVY = ("fsspec", "paramiko", "s3fs", "webdav4", "httpx", "botocore", "aiohttp")


def test_nothing_is_loaded_before_it_is_needed(tmp_path: Path) -> None:
    """A kiosk that hands over on a stick, or not at all, starts without any of it, and needs none of it installed."""
    program = (
        "import sys, kiosk.remote as r, kiosk.sync\n"
        "r.place_at(sys.argv[1], r.Credentials()).write('a', b'x')\n"
        f"print(sorted(set(sys.modules) & set({HEAVY!r})))\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "place")]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "[]\n"


@pytest.mark.parametrize("url", ["sftp://127.0.0.1/place", "webdav://127.0.0.1/place", "s3://bucket/place"])
def test_what_is_not_installed_is_told(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("paramiko", "webdav4", "webdav4.fsspec", "s3fs"):
        monkeypatch.setitem(sys.modules, name, None)
    assert "pip install 'kiosk[sync]'" in trouble(lambda: place_at(url, Credentials()))
