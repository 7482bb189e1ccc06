"""The benchmarks run and tell what they promise to tell; how fast anything is, no test says."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import __main__ as command
from benchmarks import measuring, plots
from benchmarks.measuring import Goal, Result, Samples
from benchmarks.stations import SIZES
from kiosk import audit
from kiosk.settings import read_settings

AT_MOST = Goal("at most 2 x", "peer", 2)
AT_LEAST = Goal("at least 70 %", "peer", 0.7, at_least=True)
TO_LIMIT = Goal("at most 1.3 x", "limit", 1.3)


def test_an_entry_has_the_promised_keys_and_no_others(tmp_path: Path) -> None:
    whole = Result("a", 3.0, "ms", 2.0, "peer", 1.0, "limit", AT_MOST, spread="1-2", note="said")
    lone = Result("b", 1234.5678, "ms")
    measuring.write([whole, lone], tmp_path / "results.json")
    first, second = json.loads((tmp_path / "results.json").read_text("utf-8"))
    assert first == {
        "name": "a",
        "ours": 3,
        "peer": 2,
        "peer_name": "peer",
        "limit": 1,
        "limit_name": "limit",
        "unit": "ms",
        "ratio_to_peer": 1.5,
        "ratio_to_limit": 3,
        "goal": "at most 2 x",
        "met": True,
    }
    assert list(first) == list(second) == list(measuring.KEYS)
    assert second["ours"] == 1235
    nothing = ("peer", "peer_name", "limit", "limit_name", "ratio_to_peer", "ratio_to_limit", "goal", "met")
    assert [second[key] for key in nothing] == [None] * len(nothing)


@pytest.mark.parametrize(
    ("ours", "peer", "limit", "goal", "met"),
    [
        (2.0, 1.0, None, AT_MOST, True),
        (2.1, 1.0, None, AT_MOST, False),
        (70.0, 100.0, None, AT_LEAST, True),
        (69.0, 100.0, None, AT_LEAST, False),
        (150.0, 100.0, None, AT_LEAST, True),
        (1.3, 0.1, 1.0, TO_LIMIT, True),
        (1.4, 9.0, 1.0, TO_LIMIT, False),
        (1.0, None, None, AT_MOST, None),
        (1.0, 1.0, None, TO_LIMIT, None),
        (1.0, 1.0, 1.0, None, None),
    ],
)
def test_a_goal_is_met_or_not_or_was_not_measured(
    ours: float, peer: float | None, limit: float | None, goal: Goal | None, met: bool | None
) -> None:
    assert Result("a", ours, "ms", peer, "p", limit, "l", goal).met is met


def test_the_middle_and_its_spread() -> None:
    samples = Samples([5.0, 1.0, 3.0, 2.0, 4.0])
    assert samples.median == 3
    assert samples.percentile(95) == pytest.approx(4.8)
    assert samples.spread == "2.00-4.00"
    assert Samples([7.0]).percentile(99) == 7
    assert Samples([2.0, 1.0]).spread == "1.00-2.00"


def test_things_are_measured_in_turn() -> None:
    order: list[str] = []

    def thing(name: str) -> float:
        order.append(name)
        return float(len(order))

    found = measuring.in_turn({"a": lambda: thing("a"), "b": lambda: thing("b"), "c": lambda: thing("c")}, 20)
    rounds = [order[place : place + 3] for place in range(0, 60, 3)]
    assert all(sorted(each) == ["a", "b", "c"] for each in rounds)
    assert len({tuple(each) for each in rounds}) > 1, "nobody is always first"
    assert {name: len(samples.values) for name, samples in found.items()} == {"a": 20, "b": 20, "c": 20}


def test_a_table_for_people_has_names_ratios_and_verdicts(capsys: pytest.CaptureFixture[str]) -> None:
    found = [Result("x", 3.0, "ms", 2.0, "peer", goal=AT_MOST, spread="1-2"), Result("y", 9.0, "ms", goal=AT_MOST)]
    measuring.show(found)
    said = capsys.readouterr().out
    assert "1.50" in said and "yes" in said and "not measured" in said
    assert (
        measuring.markdown(found).splitlines()[2]
        == "| x | 3.00 ms | 1-2 | 2.00 peer |  | 1.50 |  | at most 2 x | yes |"
    )


def test_an_unknown_name_is_wrong_usage() -> None:
    with pytest.raises(SystemExit) as told:
        command.main(["sundial"])
    assert told.value.code == 2


def _ran(name: str, out: Path) -> list[str]:
    assert command.main([name, "--tiny", "--out", str(out)]) == 0
    found = json.loads(out.read_text("utf-8"))
    names = [entry["name"] for entry in found]
    assert found and len(set(names)) == len(names)
    for entry in found:
        assert list(entry) == list(measuring.KEYS)
        assert entry["ours"] > 0 and entry["unit"]
        assert (entry["peer"] is None) == (entry["peer_name"] is None) == (entry["ratio_to_peer"] is None)
        assert (entry["limit"] is None) == (entry["limit_name"] is None) == (entry["ratio_to_limit"] is None)
        assert entry["peer"] is None or entry["peer"] > 0
        assert (entry["goal"] is None) >= (entry["met"] is None)
    return names


@pytest.mark.parametrize("name", ["writing", "visit", "badge"])
def test_what_needs_no_screen_runs_at_a_tiny_size(name: str, tmp_path: Path) -> None:
    assert _ran(name, tmp_path / "results.json")


@pytest.mark.faults
@pytest.mark.pty
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["first_paint", "keys", "scan", "desk", "collect", "memory"])
def test_what_takes_longer_runs_at_a_tiny_size(name: str, tmp_path: Path) -> None:
    assert _ran(name, tmp_path / "results.json")


def test_every_benchmark_is_one_that_is_tried_here() -> None:
    tried = {"writing", "visit", "badge", "first_paint", "keys", "scan", "desk", "collect", "memory"}
    assert set(command.NAMES) == tried


def test_the_history_is_one_that_a_station_could_have_written(tmp_path: Path) -> None:
    from benchmarks.stations import Yard

    yard = Yard(tmp_path, SIZES["tiny"])
    assert len(yard.guests) == 0
    folder = yard.year
    _segments, found = audit.read_log(folder)
    assert found == []
    assert len(yard.guests) == 2
    assert read_settings(folder).station == "S016001"


def test_a_plot_is_a_picture_with_a_line_for_each_thing() -> None:
    plot = plots.Plot("Cost & growth", "records", "ms", {"a<b": [(1, 0.5), (10, 5)], "c": [(1, 2.0), (1000, 2.0)]})
    root = ElementTree.fromstring(plot.svg())
    names = [element.tag.rpartition("}")[2] for element in root.iter()]
    assert names.count("polyline") == 2
    assert names.count("circle") == 4
    said = [element.text for element in root.iter() if element.text]
    assert "a<b" in said and "Cost & growth" in said and "1,000" in said


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_the_plots_are_drawn(tmp_path: Path) -> None:
    assert plots.main(["--quick", "--out", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["days.svg", "records.svg", "stations.svg"]
