"""The script that measures growth writes what it measured, and its figures say what they should."""

import json

import pytest

from i2i.benchmarks.studies import growth
from i2i.benchmarks.studies.growth import Point, Used
from i2i.data.layouts import scan


def test_a_point_has_the_images_that_it_says_in_pairs_and_in_every_split(tmp_path):
    growth.write_images(tmp_path / "data", Point(40, domains=4))
    data = scan(tmp_path / "data")
    assert data.paired
    assert data.domains == ("d0", "d1", "d2", "d3")
    assert {split: len(found["d3"]) for split, found in data.splits.items()} == {"train": 8, "val": 1, "test": 1}


@pytest.mark.integration
def test_every_stage_of_every_point_is_measured_and_written(tmp_path, monkeypatch, capsys):
    stages = {"plan, new": lambda at: ["-c", f"print({len(list(at.data.rglob('*.jpg')))})"]}
    monkeypatch.setattr(growth, "STAGES", stages)
    growth.main(["--images", "8,16", "--domains", "2", "--seeds", "1,2", "--at", "8", "--out", str(tmp_path)])
    points = json.loads((tmp_path / "growth.json").read_text())["points"]
    assert [(one["images"], one["seeds"], one["stages"]["plan, new"]["said"]) for one in points] == [
        (8, 1, "8"),
        (16, 1, "16"),
        (8, 2, "8"),
    ]
    assert all(one["stages"]["plan, new"]["processor"] > 0 for one in points)
    assert "| images | 8 | 16 |" in capsys.readouterr().out


def test_a_stage_that_fails_stops_the_measurement_with_its_output(tmp_path):
    with pytest.raises(RuntimeError, match="no such thing"):
        growth.run(["-c", "raise SystemExit('no such thing')"], tmp_path)


@pytest.mark.integration
def test_memory_is_that_of_the_largest_process_below_a_stage(tmp_path):
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'b = bytearray(10**8)'])"
    assert growth.run(["-c", child], tmp_path).memory > 10**8


def test_exponents_leave_out_what_the_first_point_takes():
    found = [(Point(n), {"score": Used(0, 5 + (n / 100) ** 2, 10**6 + 8 * n)}) for n in (1, 1000, 10_000)]
    (row,) = [line for line in growth.tables(found) if line.startswith("| score")]
    assert row.endswith("| 2.00 | 8 |")


def test_a_point_that_is_measured_in_part_leaves_only_whole_rows_in_the_table():
    whole, part = {"data check": Used(0, 9, 10**6), "cache": Used(0, 5, 10**6)}, {"data check": Used(0, 2, 10**6)}
    lines = list(growth.tables([(Point(100_000), whole), (Point(1000), part)]))
    assert [line.split("|")[1].strip() for line in lines if line.startswith("| ")] == ["images", "data check"]


def test_the_commands_name_the_data_and_the_seeds(tmp_path):
    command = growth.Places(tmp_path, 3).bench(growth.PLANNED, "--dry-run")
    assert command[command.index("--seeds") + 1] == "0,1,2"
    assert command[-1] == "--dry-run"
    assert "pix2pix, cyclegan, stargan" in (tmp_path / "new.yaml").read_text()
