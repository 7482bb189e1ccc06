"""A disk that is really full: nothing that was acknowledged is lost, and with room the station goes on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.errors import NotSaved
from tests.faults.script import Station, Step, check, notes, small_and_quick, usual

pytestmark = pytest.mark.faults


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 128 KiB in memory; mounting it is root's right."""
    disk = tmp_path / "disk"
    disk.mkdir()
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=128k,mode=700", "tmpfs", str(disk)],
            check=True,
            capture_output=True,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a small tmpfs cannot be mounted here: {getattr(error, 'stderr', '') or error}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_and_room_again(small_disk: Path) -> None:
    """The room is taken by others, a page at a time, so that each step of a write is once the one that has none."""
    data, at = small_disk / "data", usual()[0].at
    with small_and_quick():
        station = Station(data)
        station.set_up()
        acknowledged, failed = list[Step](), 0
        ballast = small_disk / "ballast"
        for pages in range(40):
            step = Step("append", at, notes(2, at))
            ballast.write_bytes(b"")
            with ballast.open("ab", buffering=0) as file:
                try:
                    for _ in range(100):
                        file.write(bytes(4096))
                except OSError:
                    file.truncate(max(0, file.tell() - 4096 * (pages % 8)))
            try:
                station.do(step)
            except NotSaved:
                failed += 1
                ballast.unlink()
                station.do(step)
            acknowledged.append(step)
            if pages % 10 == 9:
                station.close()
                ballast.unlink(missing_ok=True)
                for path in sorted((data / "records" / "sealed").iterdir())[:-1]:
                    assert path.stat().st_size  # sealed ones are whole, and stay
        station.close()
        ballast.unlink(missing_ok=True)
        assert failed >= 5
        check(data, acknowledged, acknowledged)
