"""Pictures from a process of their own are those of this one, and none is lost with it."""

import subprocess
import sys

import pytest

from rnnlens.views.report import pictures
from rnnlens.views.report.pictures import drawn_aside, drawn_here


def chart(*values):
    points = [{"a": value} for value in values]
    return {"mark": "point", "data": {"values": points}, "encoding": {"x": {"field": "a"}}}


@pytest.fixture
def here(monkeypatch):
    """What is drawn in this process."""
    seen, honest = [], pictures._svg
    monkeypatch.setattr(pictures, "_svg", lambda text: seen.append(text) or honest(text))
    return seen


def test_pictures_drawn_aside_are_those_drawn_here_in_the_order_they_were_begun(here):
    charts = [chart(*range(count)) for count in (1, 40, 3000, 5)]
    with drawn_aside() as aside:
        coming = [aside(one) for one in charts]
        drawn = [one() for one in coming]
    assert not here
    assert drawn == [drawn_here(one)() for one in charts]


def test_where_none_is_wanted_no_process_is_begun(here, monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", None)
    with drawn_aside(wanted=False) as aside:
        assert aside(chart(1))().startswith("<svg")
    assert len(here) == 1


@pytest.mark.parametrize("what", ["none", "ends", "silent"])
def test_what_a_process_does_not_give_is_drawn_here(what, here, monkeypatch, tmp_path):
    if what == "none":
        monkeypatch.setattr(sys, "executable", str(tmp_path / "no_python"))
    else:
        program = tmp_path / "program.py"
        line = "import sys\nfor line in sys.stdin:\n    print({'svg': 1}, flush=True)\n"
        program.write_text(line if what == "silent" else "", encoding="utf-8")
        monkeypatch.setattr(pictures, "PROGRAM", program)
    with drawn_aside() as aside:
        coming = [aside(chart(1)), aside(chart(2))]
        assert all(one().startswith("<svg") for one in coming)
    assert len(here) == 2


def test_a_chart_that_cannot_be_drawn_is_the_error_that_it_is_here():
    with drawn_aside() as aside:
        coming = aside({"mark": 5}), aside(chart(1))
        with pytest.raises(ValueError, match="conversion failed"):
            coming[0]()
        assert coming[1]().startswith("<svg")


def test_an_error_meanwhile_leaves_no_process(monkeypatch):
    begun, honest = [], pictures._begun
    monkeypatch.setattr(pictures, "_begun", lambda: begun.append(honest()) or begun[0])

    def stopped():
        with drawn_aside() as aside:
            aside(chart(1))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert begun[0].poll() is not None
