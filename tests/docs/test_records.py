"""A benchmark that is cut off keeps its figures, and the page of them says that it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from processes import python

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SCRIPT = """
import os, sys
from pathlib import Path
sys.path.insert(0, {benchmarks!r})
from harness import record
record.RESULTS = Path({results!r})
one = record.Record("latency", "")
one.values("a work", "a size", {{"a figure": (1.5, "s")}})
one.claim("a claim", 2.0, "s", sizes="a size", most=3)
{end}
import json, report
found = json.loads((record.RESULTS / "latency.json").read_text())
print("PAGE" + report.page({{"latency": found}}))
"""


@pytest.mark.parametrize(("end", "cut_off"), [("", True), ("one.save()", False)])
def test_what_was_measured_is_kept_after_every_figure(tmp_path, end, cut_off):
    script = tmp_path / "script.py"
    text = SCRIPT.format(benchmarks=str(BENCHMARKS), results=str(tmp_path), end=end)
    script.write_text(text, encoding="utf-8")
    run = python(str(script))
    assert run.returncode == 0, run.stderr
    found = json.loads((tmp_path / "latency.json").read_text(encoding="utf-8"))
    assert found["unfinished"] is cut_off
    assert [row["work"] for row in found["rows"]] == ["a work"]
    assert found["claims"][0]["measured"] == 2.0
    page = run.stdout.split("PAGE")[1]
    assert "a figure: 1.5 s" in page
    assert ("was cut off" in page) is cut_off
    assert not list(tmp_path.glob("*.part"))
