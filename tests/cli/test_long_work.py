"""Long work is announced and shows how far it has come; Ctrl-C ends it and leaves no file."""

import json
import re
import signal
import sys
import time
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import rnnlens
from processes import running
from rnnlens import Certificates, Test
from rnnlens.api.shared import planning
from rnnlens.cli import output
from rnnlens.demo.weather import demo_files, weather_windows
from rnnlens.engine.schedule.plan import Estimate
from rnnlens.series.sidecar import read_sidecar

HOURS = 40_000
#: Each takes half a minute or more on two cores, and says so.
LONG = {
    "tree": ("explain", "--method", "tree", "--newest", "20", "--last", "90"),
    "secant": ("explain", "--baseline", "background", "--last", "39000"),
    "report": ("report", "--baseline", "background", "--last", "39000"),
}


@pytest.fixture
def long_data(tmp_path, rng):
    """A series of some years of random hours."""
    sidecar = read_sidecar(demo_files().sidecar)
    hours = pd.date_range("2013-11-01", periods=HOURS, freq="h").strftime("%Y-%m-%d %H:%M")
    columns = {v.name: v.mean + v.scale * rng.normal(size=HOURS) for v in sidecar.features}
    path = tmp_path / "long.csv"
    pd.DataFrame({sidecar.time: hours, **columns}).to_csv(path, index=False)
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="a console's Ctrl-C reaches its whole group")
@pytest.mark.parametrize("work", LONG)
def test_ctrl_c_breaks_long_work_off_and_leaves_no_file(work, model, long_data, tmp_path):
    verb, *options = LONG[work]
    folder = tmp_path / "answers"
    folder.mkdir()
    out = folder / ("page.html" if verb == "report" else "answer.json")
    asked = (verb, str(model), str(long_data), *options, "--target", "temp", "--out", str(out))
    with running("-m", "rnnlens", *asked, RNNLENS_THREADS="2") as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if line.startswith("note: about"):
                break
        time.sleep(1.0)
        assert process.poll() is None, said  # in the middle of the work
        process.send_signal(signal.SIGINT)
        answer, errors = process.communicate()
    assert process.returncode == 130, errors
    said = [line for line in errors.splitlines() if not line.startswith("rnnlens compiles")]
    assert said == ["rnnlens: interrupted"]
    assert answer == ""
    assert list(folder.iterdir()) == []


#: A verb in whose midst Python drops Ctrl-C: it met a finaliser, whose errors go nowhere.
DROPPED = """
import sys, time
from rnnlens.cli import main
from rnnlens.readers import open as reading

class Met:
    def __del__(self):
        raise KeyboardInterrupt

def read(*given, **options):
    Met()
    time.sleep(60)

reading.read_or_name_arrays = read
sys.argv = ["rnnlens", "inspect", sys.argv[1]]
main()
"""


def test_ctrl_c_that_python_drops_ends_a_verb_all_the_same(model):
    with running("-c", DROPPED, str(model)) as process:
        answer, errors = process.communicate()
    assert process.returncode == 130, errors
    assert (answer, errors.splitlines()) == ("", ["rnnlens: interrupted"])


@pytest.mark.skipif(sys.platform == "win32", reason="a console's Ctrl-C reaches its whole group")
def test_ctrl_c_in_certificates_keeps_and_prints_what_is_done(model, data, tmp_path):
    """Ten features at once, each in all of its range: no budget decides that."""
    out = tmp_path / "kept.json"
    asked = (
        "certify", str(model), str(data), "--lag", "1-24", "--last", "20", "--no-check",
        "--budget", "100000", "--out", str(out),
    )  # fmt: skip
    with running("-m", "rnnlens", *asked, RNNLENS_THREADS="1") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("note: about"):
                break
        time.sleep(1.5)
        assert process.poll() is None  # in the middle of the work
        process.send_signal(signal.SIGINT)
        answer, errors = process.communicate()
    assert process.returncode == 130, errors
    assert "rnnlens: interrupted; what was done by then is given" in errors
    assert "The search ended before all was decided: it was interrupted" in " ".join(answer.split())
    kept = json.loads(out.read_text(encoding="utf-8"))
    assert kept["ended"] == "interrupted"
    assert sum(row["not_asked"] + row["undecided"] for row in kept["lags"]) > 0


def test_a_time_for_certificates_is_what_is_announced(call, model, data, monkeypatch):
    monkeypatch.setattr(planning, "certify_pace", lambda *given: 100.0)
    asked = ("certify", model, data, "--lag", "1", "--feature", "temp", "--last", "2", "--no-check")
    said = call(*asked, "--budget", "7 s")
    assert said.code == 0, said.err
    assert "note: about 7 s" in said.err
    whole = call(*asked)
    assert "note: about 3 min" in whole.err  # two windows


def test_what_is_expected_is_said_before_long_work_and_not_before_short(
    call, model, data, monkeypatch
):
    asked = ("explain", model, data, "--target", "temp", "--last", "40")
    monkeypatch.setattr(planning, "secant_pace", lambda question: 1.0)  # a second a window
    monkeypatch.setattr(planning, "tree_pace", lambda question: 0.0)
    monkeypatch.setattr(planning, "FELT", 0)
    said = call(*asked, "--method", "secant", "--baseline", "mean")
    assert said.code == 0
    assert re.search(r"note: about 40 s, [0-9.]+ [GM]B; Ctrl-C ends it\n", said.err)
    assert "about" not in said.out
    # against 32 backgrounds, of which one is timed
    assert "note: about 21 min" in call(*asked).err
    monkeypatch.setattr(planning, "secant_pace", lambda question: 0.01)
    assert "about" not in call(*asked, "--method", "secant", "--baseline", "mean").err


def test_the_seconds_of_all_parts_of_lags_are_added_up(weather_case, monkeypatch):
    network, windows = weather_case
    paces = {"secant_pace": 0.0, "tree_pace": 0.0, "hiding_pace": 1.0, "certify_pace": 1.0}
    for name, pace in paces.items():
        monkeypatch.setattr(planning, name, lambda *_, pace=pace, **__: pace)
    none = {"certificates": None, "test": None}
    test, proofs = Test(replacements=7), Certificates(windows=2, range=0.1)

    def seconds(**asked):
        options = replace(planning.USUAL, **{**none, **asked})
        made = planning.expected_lags(network, windows, options, target="temp")
        return made.seconds

    assert seconds() == 0
    free, steps, count = 8, 24, len(windows)
    assert seconds(test=Test(hiding=False, replacements=7)) == 1.5 * steps * 7
    tests = steps + 4 + steps // 2
    assert seconds(test=test) == pytest.approx(1.5 * (steps * 7 + tests * count * 5))
    plain = count * 2 * free * steps
    assert seconds(certificates=proofs) == pytest.approx(2 * steps * free + plain)


@pytest.fixture
def weather_case():
    windows = weather_windows().newest(30)
    return rnnlens.read(demo_files().network), windows


@pytest.mark.parametrize(
    ("seconds", "count", "text"),
    [
        (3.4, 5_000, "about 3 s, 1 MB"),
        (119, 99e6, "about 119 s, 99 MB"),
        (400, 1.26e9, "about 7 min, 1.3 GB"),
        (10_000, 2e9, "about 3 h, 2.0 GB"),
        (1e6, 2e9, "about 12 days, 2.0 GB"),
    ],
)
def test_durations_and_sizes_are_said_as_people_say_them(seconds, count, text, capsys):
    output.foretell(Estimate(cells=1, seconds=seconds, bytes=int(count)))
    assert text in capsys.readouterr().err


@pytest.mark.parametrize(
    ("verb", "method"),
    [
        ("explain", "secant"),
        ("explain", "gradient"),
        ("explain", "tree"),
        ("lags", "secant"),
        ("lags", "tree"),
        ("report", "secant"),
    ],
)
@pytest.mark.usefixtures("undrawn")
def test_progress_is_shown_for_every_method(verb, method, call, model, data, tmp_path, monkeypatch):
    from rnnlens.cli.commands import evidence, forecast, pages

    told = []

    @contextmanager
    def working(text):
        yield lambda done, total: told.append((done, total))

    for module in (evidence, forecast, pages):
        monkeypatch.setattr(module, "working", working)
    options = () if verb == "report" else ("--method", method, "--last", "12")
    options += ("--out", tmp_path / "page.html") if verb == "report" else ()
    options += ("--newest", "3") if method == "tree" else ()
    alone = ("--windows", "0", "--no-test", "--replacements", "0")
    options += alone if verb == "lags" else ()
    assert call(verb, model, data, "--target", "temp", *options).code == 0
    done, total = told[-1]
    assert done == total
    assert np.all(np.diff([one[0] for one in told]) > 0)


def test_a_file_that_cannot_be_written_is_named(call, model, data, tmp_path):
    place = tmp_path / "nowhere" / "page.html"
    said = call("report", model, data, "--target", "temp", "--out", place, "--last", "20")
    assert said.code == 1
    assert f"there is no folder {place.parent} to write {place.name} in" in said.err
    assert ".rnnlens-" not in said.err
