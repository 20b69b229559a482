"""At 50 columns, in a pipe, without colour and in encodings that lack characters."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import pytest
from rich.console import Console, Group
from rich.table import Table

from archives import written
from rnnlens.cli import characters, output
from rnnlens.cli.app import main
from rnnlens.cli.fitted import fitted

WIDTH = 50
#: What is typed after each command's model and data.
COMMANDS = {
    "inspect": (),
    "check": (),
    "trace": ("--last", "2"),
    "explain": ("--method", "secant", "--last", "5"),
    "lags": ("--no-test", "--method", "secant", "--budget", "1", "--range", "0.5", "--last", "30"),
    "certify": ("--lag", "1", "--range", "0.5", "--budget", "2", "--tolerance", "5", "--no-check"),
    "gate-contributions": (),
    "fixed-points": ("--last", "5"),
    "summarize-weights": ("--last", "20"),
    "memory": ("--histories", "4"),
    "probe": ("--concept", "temp", "--draws", "1", "--shifts", "2", "--blocks", "3", "--gap", "0"),
    "trust": ("--windows", "2", "--last", "20"),
    "init": (),
    "plot": ("--out", "figure.json"),
    "report": ("--last", "12", "--no-check"),
    "convert": ("--no-check",),
    "bulk status": (),
    "bulk summary": (),
}
#: Those that say sentences alone, or a file.
NO_TABLE = {"convert", "init", "plot", "report"}
#: The slowest of them are asked once.
ONCE = {"lags", "probe", "trust", "report"}


@pytest.fixture
def explained(table, tmp_path, model, call):
    """Make the result of a whole archive, for the verbs that look after it."""

    def make():
        series = table.assign(time=table.time.astype("datetime64[ns]")).set_index("time")
        written(series.to_xarray(), tmp_path / "hours.zarr")
        out = tmp_path / "out.zarr"
        said = call("explain", model, tmp_path / "hours.zarr", "--out", out, "--block", "40")
        assert said.code == 0, said.err
        return out

    return make


@pytest.fixture
def printed(model, data, tmp_path, monkeypatch, explained):
    """Run a command as a pipe of an encoding gets it: the bytes, read in that encoding."""
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.chdir(tmp_path)

    def run(command, encoding, *typed):
        second = {"inspect": (), "convert": ("made.npz",)}.get(command, (data.name,))
        first = ["waterfall"] if command == "plot" else []
        arguments = ["rnnlens", command, *first, model.name, *second, *typed]
        if command.startswith("bulk"):
            out = tmp_path / "out.zarr"
            arguments = ["rnnlens", *command.split(), (out if out.exists() else explained()).name]
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding) for _ in range(2))
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", out)
            patched.setattr(sys, "stderr", err)
            patched.setattr(sys, "argv", arguments)
            with pytest.raises(SystemExit) as end:
                main()
            out.flush(), err.flush()
        texts = [one.buffer.getvalue().decode(encoding) for one in (out, err)]
        assert end.value.code in {None, 0}, texts[1]
        return texts[0]

    return run


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.usefixtures("undrawn")
def test_no_table_is_wider_than_stated_and_no_character_is_lost(command, printed):
    whole = printed(command, "utf-8", *COMMANDS[command])
    assert "…" not in whole  # of a cell that is cut
    for encoding in ("cp1252", "ascii"):
        if command in ONCE:
            text = whole.encode(encoding, characters.PLAIN).decode(encoding)
        else:
            text = printed(command, encoding, *COMMANDS[command])
        assert text.count("?") == whole.count("?")
        assert "\x1b" not in text
        lines = text.splitlines()
        if command not in NO_TABLE:
            # a hash and a path are one word, and stay one
            shown = [one for one in lines if not one.startswith(("SHA-256", "archive "))]
            assert max(map(len, shown)) <= WIDTH


def wide(columns, *, cell="-1,234.56"):
    table = Table(pad_edge=False, show_edge=False)
    table.add_column("name", no_wrap=True)
    for number in range(columns):
        table.add_column(f"column {number}", justify="right", no_wrap=True)
    table.add_row("the first of all rows", *[cell] * columns)
    table.add_row("another", *["1"] * columns)
    return table


def drawn(shown, width):
    text = io.StringIO()
    Console(file=text, width=width).print(fitted(shown, width), highlight=False, markup=False)
    return text.getvalue()


@pytest.mark.parametrize("columns", [1, 3, 5, 12])
@pytest.mark.parametrize("width", [30, 50, 200])
def test_no_number_and_no_heading_is_cut_and_rows_keep_their_names(columns, width):
    text = drawn(Group("A heading", wide(columns)), width)
    assert max(map(len, text.splitlines())) <= width
    assert text.count("-1,234.56") == columns
    words = text.split()
    assert all(str(number) in words for number in range(columns))
    assert text.count("another") == text.count("name")  # one row and one heading a block


def test_a_table_that_fits_stays_as_it_is():
    plain = io.StringIO()
    Console(file=plain, width=100).print(wide(3), highlight=False, markup=False)
    assert drawn(wide(3), 100) == plain.getvalue()


def test_a_name_longer_than_the_terminal_is_folded_and_not_lost():
    table = wide(2)
    table.add_row("n" * 300, "1", "2")
    text = drawn(table, 40)
    assert text.count("n" * 10) >= 15 and max(map(len, text.splitlines())) <= 40


@pytest.mark.parametrize(
    ("said", "plain"),
    [("−1.5 ± 2 × 3", "-1.5 +/- 2 x 3"), ("1–3 → h′", "1-3 -> h'"), ("été", "ete"),
     ("雨", "\\u96e8"), ("█▏", "# "), ("≤ 5 °C", "<= 5 deg C")],
)  # fmt: skip
def test_what_ascii_lacks_has_a_form_in_ascii(said, plain):
    assert said.encode("ascii", characters.PLAIN).decode("ascii") == plain


def test_what_an_encoding_has_stays_as_it_is():
    assert "±×é".encode("cp1252", characters.PLAIN).decode("cp1252") == "±×é"


def test_json_is_whole_in_every_encoding(monkeypatch):
    for encoding in ("ascii", "cp1252", "utf-8"):
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding))
        text = output.as_json({"name": "雨−"})
        assert json.loads(text.encode(encoding)) == {"name": "雨−"}


def test_a_process_in_the_c_locale_says_all_of_it_in_ascii(model, tmp_path):
    from rnnlens.demo.weather import demo_files

    missing = tmp_path / "wärme−.keras"
    env = {name: text for name, text in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    env |= {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "rnnlens", "inspect", demo_files().network, missing]
    for arguments in (command[:-1], [*command[:-2], missing]):
        done = subprocess.run(arguments, capture_output=True, env=env, check=False)
        said = (done.stdout + done.stderr).decode("ascii")
        assert "Traceback" not in said and "?" not in said
    assert done.returncode == 1 and "no such file" in said
