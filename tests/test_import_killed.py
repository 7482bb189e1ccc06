"""A long import that is killed again and again: what was acknowledged is there, once, whatever the moment."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests import factories, plain


def people(many: int) -> list[tuple[str, str, str]]:
    """Name, phone and day by row; a tenth are people of the first day who come again on the last."""
    first = many - many // 10
    who = [*range(first), *range(many // 10)]
    days = [*(1 + number * 9 // first for number in range(first)), *[10] * (many // 10)]
    return [
        (f"{factories.NAMES[number % 8]}{number}", factories.phone(number), f"2021-12-{day:02d}")
        for number, day in zip(who, days, strict=True)
    ]


def is_refused(place: int) -> bool:
    return place % 11 == 5


def rows(many: int) -> list[dict[str, str]]:
    return [
        factories.sheet_row(
            name=name,
            phone=phone,
            health_code="red" if is_refused(place) else "green",
            arrived_at=f"{day} 08:00",
            left_at=f"{day} 11:30",
        )
        for place, (name, phone, day) in enumerate(people(many))
    ]


def import_until(folder: Path, file: Path, lines: int | None, delay: float) -> tuple[int, list[dict[str, Any]]]:
    """Imports, kills the process after `lines` lines and a moment, and returns its exit code and whole lines."""
    command = plain.kiosk_command(folder, "import", str(file))
    with subprocess.Popen(command, cwd=plain.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        read = []
        for line in process.stdout:
            read.append(line)
            if len(read) == lines:
                break
        if lines is not None:
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
        read += process.stdout.readlines()
        assert process.stderr.read() == b""
    return process.returncode, [json.loads(line) for line in read if line.endswith(b"\n")]


@pytest.mark.timeout(300)  # the longer one takes half a minute of one core, when nobody else wants it
@pytest.mark.parametrize(("many", "kills"), [(1_000, 5), pytest.param(5_000, 10, marks=pytest.mark.faults)])
def test_killed_at_random_moments(station_folder: Path, tmp_path: Path, many: int, kills: int) -> None:
    file = tmp_path / "sheet.csv"
    sheet = rows(many)
    file.write_bytes(factories.sheet(*sheet))
    chance = random.Random(20211206)
    acknowledged: dict[int, dict[str, Any]] = {}

    def take(answers: list[dict[str, Any]], before: int) -> None:
        """Each row is answered in order; one that was acknowledged before is a duplicate with the same ids."""
        assert [answer["row"] for answer in answers] == list(range(2, len(answers) + 2))
        for answer in answers:
            told = acknowledged.setdefault(answer["row"], answer)
            assert (answer["ids"], answer["volunteer"]) == (told["ids"], told["volunteer"])
            assert answer["row"] > before or answer["outcome"] == "duplicate"

    for lines in sorted(chance.sample(range(1, many - 100), kills)):
        before = max(acknowledged, default=1)
        code, answers = import_until(station_folder, file, lines, chance.random() * 0.006)
        assert code == -signal.SIGKILL
        take(answers, before)
    before = max(acknowledged)
    code, answers = import_until(station_folder, file, None, 0)
    assert code == 0
    take(answers, before)
    assert len(answers) == many

    records = plain.log(station_folder)
    counted = Counter(record["id"] for record in records)
    assert set(counted.values()) == {1}
    promised = Counter(name for answer in acknowledged.values() for name in answer["ids"])
    assert set(promised.values()) == {1}
    assert counted.keys() - promised.keys() == {records[0]["id"]}  # the record of the set-up
    assert promised.keys() <= counted.keys()

    verified = plain.kiosk(station_folder, "verify")
    assert (verified.returncode, verified.stderr) == (0, b"")

    registered = {r["volunteer"]: r["personal"]["name"] for r in records if r["type"] == "registered"}
    visits = Counter(registered[r["volunteer"]] for r in records if r["type"] == "checked_in")
    assert visits == Counter(row["name"] for place, row in enumerate(sheet) if not is_refused(place))
    assert Counter(registered.values()) == Counter(visits.keys())
    assert sum(r["type"] == "refused" for r in records) == sum(map(is_refused, range(many)))
