"""TinyDB's own tests, which its source distribution carries, run against our storage in the place of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import plain

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

IN_PLACE = """
import tinydb
import tinydb.storages
from kiosk.store import DurableStorage


class JSONStorage(DurableStorage):
    def __init__(self, path, ensure_ascii=False):
        super().__init__(path)


JSONStorage.__module__ = "tinydb.storages"  # one of the tests looks where it comes from
tinydb.JSONStorage = tinydb.storages.JSONStorage = tinydb.TinyDB.default_storage_class = JSONStorage
"""

SENSELESS = {
    "tests/test_middlewares.py::test_caching_json_write": "looks at the file handle of theirs; ours has none",
    "tests/test_storages.py::test_json": "writes lists in the place of tables; ours takes only tables",
    "tests/test_storages.py::test_json_kwargs": "orders and indents; the form of our files is fixed",
    "tests/test_storages.py::test_json_read": "asks for an access mode; who only reads our files uses theirs",
    "tests/test_storages.py::test_create_dirs": "makes a folder when it is opened; ours makes nothing before a write",
    "tests/test_storages.py::test_json_invalid_directory": "the same: ours finds out at the first write",
    "tests/test_storages.py::test_encoding": "asks for another encoding; our files are UTF-8",
    "tests/test_storages.py::test_json_invalid_mode_warning": "asks for an access mode that truncates; ours has none",
}
"""Those of their tests that have to fail, and why: each is about what theirs offers and ours must not, or need not."""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tests of the version that is pinned, from the package index: by name, version and hash."""
    lock = (plain.ROOT / "requirements.lock").read_text("utf-8")
    pinned = re.search(r"^tinydb==[^#]*?(?=\n\S|\n    #)", lock, re.MULTILINE)
    assert pinned is not None
    folder = tmp_path_factory.mktemp("tinydb")
    (folder / "pinned.txt").write_text(pinned[0].replace("\\\n", ""), encoding="utf-8")
    asked = ["--no-binary", "tinydb", "--no-deps", "--no-build-isolation", "--require-hashes", "-r", "pinned.txt"]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "download", *asked]
    needs = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    fetched = subprocess.run(command, cwd=folder, env=needs, capture_output=True, text=True, timeout=300, check=False)
    if fetched.returncode:
        if "do not match the hashes" in fetched.stderr.lower():
            pytest.fail(fetched.stderr)
        pytest.skip("no network: TinyDB's source distribution could not be fetched")
    (archive,) = folder.glob("tinydb-*.tar.gz")
    shutil.unpack_archive(archive, folder)  # its hash is known; Debian's Python 3.11.2 has no filters for archives
    return archive.with_suffix("").with_suffix("")


def test_tinydbs_own_tests(sources: Path, tmp_path: Path) -> None:
    (sources / "tests").rename(tmp_path / "tests")  # without TinyDB itself: the one that is installed is tested
    (tmp_path / "in_place.py").write_text(IN_PLACE, encoding="utf-8")
    plain_pytest = [sys.executable, "-m", "pytest", "-p", "in_place", "-p", "no:cacheprovider", "-p", "no:xdist"]
    quietly = ["-c", os.devnull, "--rootdir", str(tmp_path), "-rA", "--tb=no", "-q", "tests"]
    path = os.pathsep.join(map(str, (tmp_path, plain.ROOT)))
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    ended = subprocess.run(
        [*plain_pytest, *quietly],
        cwd=tmp_path,
        env={**surroundings, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    failed = set(re.findall(r"^(?:FAILED|ERROR) (\S+)", ended.stdout, re.MULTILINE))
    assert failed == set(SENSELESS), ended.stdout[-5000:]
    assert len(re.findall(r"^PASSED ", ended.stdout, re.MULTILINE)) > 200
