"""Commands over a log that is damaged: what can be read on stdout, what is wrong on stderr, and never a silent zero."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kiosk import clock as clock_module
from kiosk.__main__ import main
from kiosk.arriving import Admission
from kiosk.campaign import Campaign
from kiosk.rules import Application, Stay
from kiosk.station import Station
from tests import factories, plain

if TYPE_CHECKING:
    from tests.conftest import FakeClock

INCOMPLETE = "日志不完整"


@dataclass(frozen=True)
class Result:
    code: int
    rows: list[dict[str, Any]]
    said: list[str]


Run = Callable[..., Result]


@pytest.fixture
def run(
    station_folder: Path, clock: FakeClock, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Runs a command that prints JSON, which must be pure, on `station_folder` and at the time of `clock`."""
    monkeypatch.setattr(clock_module, "system_clock", clock)

    def call(*arguments: str) -> Result:
        capfdbinary.readouterr()
        code = main(["--data", str(station_folder), *arguments])
        out, err = (text.decode("utf-8") for text in capfdbinary.readouterr())
        return Result(code, [json.loads(line) for line in out.splitlines()], err.splitlines())

    return call


@pytest.fixture
def people(station_folder: Path, campaign: Campaign, clock: FakeClock) -> list[Admission]:
    """Two came yesterday and two today; the badge of the first was revoked today."""
    station = Station(station_folder, clock=clock)
    done = []
    for number in range(4):
        if number == 2:
            clock.advance(days=1)
        given = factories.answers(campaign, station.today())
        done.append(station.check_in(Application(factories.applicant(number), given, True, Stay())))
    station.revoke_badge(done[0].volunteer or "", "遗失")
    station.close()
    return done


def cut(folder: Path) -> None:
    path = folder / "records" / "open.json"
    path.write_bytes(path.read_bytes()[:-40])


def remove(folder: Path) -> None:
    (folder / "records" / "open.json").unlink()


def set_aside(folder: Path) -> None:
    """The kiosk was started since; what it set aside holds the revocation."""
    cut(folder)
    Station(folder).close()


def gone_since(folder: Path) -> None:
    remove(folder)
    Station(folder).close()


DAMAGE = [cut, remove, set_aside, gone_since]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_roster_says_that_it_is_not_whole(
    run: Run, people: list[Admission], station_folder: Path, damage: Callable[[Path], None]
) -> None:
    whole = run("roster", "--day", "2021-12-06", "--format", "json")
    assert (whole.code, len(whole.rows), whole.said) == (0, 2, [])
    damage(station_folder)
    done = run("roster", "--day", "2021-12-06", "--format", "json")
    assert (done.code, done.rows, len(done.said)) == (1, whole.rows, 1)
    assert "records" in done.said[0] or "set-aside" in done.said[0]
    assert run("roster", "--format", "json").rows == []


def test_one_wrong_letter_in_a_sealed_file_is_told(run: Run, people: list[Admission], station_folder: Path) -> None:
    path = plain.segment_files(station_folder)[0]
    path.write_bytes(path.read_bytes().replace(factories.NAMES[1].encode(), "某某人".encode()))
    done = run("roster", "--day", "2021-12-06", "--format", "json")
    assert (done.code, len(done.rows)) == (1, 2)
    assert path.name in done.said[0]


@pytest.mark.parametrize("damage", DAMAGE)
def test_no_badge_is_valid_over_a_log_that_is_not_whole(
    run: Run, people: list[Admission], station_folder: Path, damage: Callable[[Path], None]
) -> None:
    """The revocation was in the file that is gone. Nor is another badge: nobody can know."""
    assert run("badge", "check", people[0].code or "").rows[0]["reason"] == "revoked"
    assert run("badge", "check", people[1].code or "").code == 0
    damage(station_folder)
    for admission in people[:2]:
        done = run("badge", "check", admission.code or "")
        assert done.code == 1
        assert done.rows == [
            {
                "valid": False,
                "reason": None,
                "volunteer": admission.volunteer,
                "station": "S016001",
                "expires": done.rows[0]["expires"],
            }
        ]
        assert len(done.said) == 2
        assert INCOMPLETE in done.said[1]


def test_what_is_known_of_a_badge_is_told_all_the_same(
    run: Run, people: list[Admission], station_folder: Path, clock: FakeClock
) -> None:
    cut(station_folder)
    bad = run("badge", "check", (people[0].code or "")[:-1])
    assert (bad.code, bad.rows[0]["reason"]) == (1, "malformed")
    assert INCOMPLETE not in "".join(bad.said)
    shown = run("badge", "show", people[1].volunteer or "", "--format", "json")
    assert (shown.code, shown.rows[0]["code"], len(shown.said)) == (1, people[1].code, 1)
    unknown = run("badge", "show", people[3].volunteer or "", "--format", "json")  # issued in the file that was cut
    assert (unknown.code, unknown.rows, len(unknown.said)) == (1, [], 2)


@pytest.mark.parametrize(("damage", "told"), [(cut, "open.json"), (remove, "records")])
def test_an_import_tells_what_it_set_aside(
    run: Run, people: list[Admission], station_folder: Path, tmp_path: Path, damage: Callable[[Path], None], told: str
) -> None:
    """The rows are taken in; this run says so once, and the next one, over a log that it can go on with, does not."""
    sheet = tmp_path / "sheet.csv"
    when = {"arrived_at": "2021-12-06 13:00", "left_at": "2021-12-06 14:00"}
    sheet.write_bytes(factories.sheet(factories.sheet_row(name="程云起", phone=factories.phone(9), **when)))
    damage(station_folder)
    done = run("import", str(sheet))
    assert (done.code, [row["outcome"] for row in done.rows], len(done.said)) == (1, ["admitted"], 1)
    assert told in done.said[0]
    again = run("import", str(sheet))
    assert (again.code, [row["outcome"] for row in again.rows], again.said) == (0, ["duplicate"], [])


def test_a_revocation_tells_what_it_set_aside(run: Run, people: list[Admission], station_folder: Path) -> None:
    cut(station_folder)
    done = run("badge", "revoke", people[1].volunteer or "", "--format", "json")
    assert (done.code, done.rows[0]["revoked"], len(done.said)) == (1, True, 1)
    assert "open.json" in done.said[0]
    cut(station_folder)
    failed = run("badge", "revoke", people[3].volunteer or "", "--format", "json")
    assert (failed.code, failed.rows, len(failed.said)) == (1, [], 2)
