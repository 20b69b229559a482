"""The command ``bifurcations`` says what ``--move`` takes, where it is none or no range."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ([], "say what is moved: --move takes a feature"),
        (["--move", "temp=5:5"], "begins and ends, rising"),
        (["--move", "temp=40:-10"], "begins and ends, rising"),
        (["--move", "temp=0:1:1"], "of 2 to 1000"),
        (["--move", "temp=0:1:2000"], "of 2 to 1000"),
        (["--move", "temp=0-1"], "temp=-10:40"),
        (["--move", "0:1"], "not 0:1"),
    ],
)
def test_a_range_that_is_none_is_refused_by_the_command_line(call, model, data, typed, said):
    told = call("bifurcations", model, data, *typed)
    assert told.code == 2 and said in " ".join(told.err.split())
