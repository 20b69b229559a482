"""CSV that pandas parses at once gives what the slow path gives: every number and every refusal.

The slow path, `rnnlens.series.tables.csv_text`, is the twin: Python's ``csv`` cell by cell, and
``float``.
"""

from __future__ import annotations

from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rnnlens.errors import DataError, InputError
from rnnlens.series.tables import read as table_module
from rnnlens.series.tables.csv_regular import read_regular
from rnnlens.series.tables.csv_text import open_csv
from rnnlens.series.tables.read import read_table

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
NUMBERS = st.one_of(
    FLOATS.map(repr),
    FLOATS.map(lambda value: f"{value:.25e}"),
    st.floats(-1e6, 1e6).map(lambda value: f"{value:.3f}"),
    st.integers().map(str),
    st.from_regex(r"[+-]?[0-9]{1,25}(\.[0-9]{0,25})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
)
#: What people, programs and our own reading of both parsers' sources say may go wrong.
NASTY = st.sampled_from([
    *("", " ", "NA", "n/a", "nan", "NaN", "null", "None", "NaT", "<NA>", "#N/A", "-nan", "1.#IND"),
    *("inf", "-inf", "Infinity", "+inf", "1e400", "-1e999", "1e-400", "-0", "-0.0", "00012"),
    *("True", "false", "1_000", "1,000", "1.000,5", "0x10", "0b1", "1d5", "1e", "1e+", "e5"),
    *("1e5.0", ".5", "5.", ".", "-", "+", "--1", "+-1", "- 1", "1 2", "1j", "5%", "1.5.2", "1,5"),
    *("1,,5", " 1.5", "1.5 ", "\t7", "7\t", "\x0b7", "7\x1c", "\xa07", "7\u2003", "\ufeff1"),
    *("\u0661", "½", '"1"', '"1.5"', '" 2 "', '"1,5"', '"1;5"', '"a""b"', '""', '"x\ny"', '"3\n"'),
    *('"', 'a"b', '1"', '"1"5', '"a"b"', "#", "#1", "\\", "'1'", "fog", "\x85", "\0"),
    *("9" * 400, "0." + "3" * 800),
])
TIMES = st.one_of(
    st.datetimes().map(lambda moment: moment.isoformat(" ", "minutes")),
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    st.sampled_from(["2013-01-01", "2013-01-01T02:00+02:00", "1.1.2013", "2013", "20130101", "x"]),
)
LINE_ENDS = st.sampled_from(["\n", "\n", "\n", "\r\n", "\r", "\n\n", "\n \n", "\n\r"])
SEPARATORS = st.sampled_from([",", ",", ";", ";", "\t", "|"])
NAMES = st.sampled_from([
    "a",
    "b",
    "c d",
    " e ",
    "",
    "1",
    "a",
    '"q"',
    '"x,y"',
    '"x\ny"',
    "Grüße",
    "\ufeff",
])


@st.composite
def files(draw, nasty: float):
    """Draw a table as text: most cells numbers, and some not, of which `nasty` is the share."""
    width, height = draw(st.integers(1, 4)), draw(st.integers(0, 5))
    separator, ending = draw(SEPARATORS), draw(LINE_ENDS)
    comma = separator == ";" and draw(st.booleans())
    rare = st.floats(0, 1).map(lambda chance: chance < nasty)

    def cell(place: int) -> str:
        if draw(rare):
            return draw(NASTY)
        text = draw(NUMBERS)
        text = text.replace(".", ",") if comma else text
        return f'"{text}"' if place == 1 and quoted else text

    quoted, timed = draw(st.booleans()), draw(st.booleans())
    header = [draw(NAMES) if draw(rare) else f"f{place}" for place in range(width)]
    rows = [[cell(place) for place in range(width)] for _ in range(height)]
    if timed:
        moments = pd.date_range("2013-01-01", periods=height, freq="h").strftime("%Y-%m-%d %H:%M")
        header = ["time", *header]
        rows = [
            [draw(TIMES) if draw(rare) else moment, *row]
            for moment, row in zip(moments, rows, strict=True)
        ]
    for row in rows:
        if draw(rare):
            row.append("1") if draw(st.booleans()) else row.pop()
    lines = [separator.join(row) for row in (header, *rows)]
    text = "".join(line + (draw(LINE_ENDS) if draw(rare) else ending) for line in lines)
    if draw(st.booleans()):
        text = text.removesuffix(ending)
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16"]))
    columns = draw(st.sampled_from([None, None, ["f0"], ["f1", "f0"], ["a", "f0"], ["none"]]))
    optional = draw(st.sampled_from([[], ["f2", "gone"]]))
    time = draw(st.sampled_from(["time"] if timed else [None])) if draw(st.booleans()) else None
    return text.encode(encoding), {"columns": columns, "optional": optional, "time": time}


def outcome(path, asked):
    try:
        return read_table(path, **asked)
    except InputError as error:
        return type(error), str(error)


def agree(path, content, asked):
    path.write_bytes(content)
    quick = outcome(path, asked)
    with mock.patch.object(table_module, "read_regular", return_value=None):
        slow = outcome(path, asked)
    assert isinstance(quick, tuple) == isinstance(slow, tuple), (quick, slow)
    if isinstance(slow, tuple):
        assert quick == slow
        return
    pd.testing.assert_frame_equal(quick, slow, check_exact=True)
    # equal to the bit: minus zero is not zero
    np.testing.assert_array_equal(
        quick.to_numpy().view(np.int64), slow.to_numpy().view(np.int64), strict=True
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("csv") / "table.csv"


@pytest.mark.parametrize("nasty", [0.0, 0.02, 0.3], ids=["sound", "a few faults", "many faults"])
def test_both_paths_give_the_same_table_or_the_same_refusal(nasty, path):
    @settings(max_examples=100, deadline=None, derandomize=True, database=None)
    @given(files(nasty))
    def compare(case):
        agree(path, *case)

    compare()


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.text('ab1.5,;\t|"\n\r \x0b\x1c\x85\xa0\ufeff', max_size=40))
@example("a\n1\n \n2\n")
@example('a,b\n"x,y",1\n')
@example('a,b\n"1"\n"2",3,4\n')
@example("a;b\n1,5;2\n1;2.5\n")
@example("a,b\n\ufeff1,2\n")
@example("a,b\nTrue,2\n")
@example("a\n1_000\n")
@example("a,b\n-0,2\n")
@example("a,b\n0,-0.5\n1, -00 \n")
@example("a\n18446744073709551615\n-1\n")
@example("a\n9007199254740993\n")
@example("a\n\ufeff1\n")
@example('"a\nb",c\n1,2\n')
def test_both_paths_agree_on_any_text(path, text):
    agree(path, text.encode(), {})


def test_the_quick_path_is_taken_where_files_are_as_programs_write_them(path):
    for content in (
        "time,a,b\n2013-01-01,1.5,3\n2013-01-02,-2,4e1\n",
        '"time","a","b"\r\n"2013-01-01","1.5","3"\r\n',
        'time;a;b;note\n2013-01-01;1,5;3;"fog; ""thick""\nand wet"\n',
        "\n".join(["time\ta\tb", "2013-01-01\t1.5\t3", "", "2013-01-02\t1\t2"]),
    ):
        path.write_text(content, newline="")
        assert read_regular(open_csv(path), ["a", "b"], [], "time") is not None


def test_cells_too_long_for_csv_are_refused_by_both(path):
    long = "a,b\n1,2\n3," + "x" * 140_000 + "\n"
    agree(path, long.encode(), {"columns": ["a"]})
    with pytest.raises(DataError, match="row 3 is not CSV: field larger than field limit"):
        read_table(path, columns=["a"])


def test_many_rows_are_parsed_to_the_bit(path, rng):
    values = rng.standard_normal((20_000, 3)) * 10.0 ** rng.integers(-300, 300, size=(20_000, 3))
    lines = ["a,b,c", *(",".join(map(repr, row)) for row in values.tolist())]
    agree(path, "\n".join(lines).encode(), {})
    np.testing.assert_array_equal(read_table(path).to_numpy(), values)
