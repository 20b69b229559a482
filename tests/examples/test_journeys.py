"""The three afternoons of the examples, from people's own files to an answer, run as they stand."""

from __future__ import annotations

import re
import shlex
import shutil

from typer.testing import CliRunner

from notebooks import JOURNEYS, printed_in, run
from processes import python
from rnnlens.cli.app import app

NAME = "pytorch_loader"
HOW_GOOD = re.compile(r"MAE ([\d.]+)(?: \S+)?; persistence ([\d.]+)")


def judged(text: str) -> tuple[float, float]:
    """The forecast's error and that of persistence, as they are said."""
    found = HOW_GOOD.search(text)
    assert found is not None, text
    return float(found[1]), float(found[2])


def script(path, *arguments, folder) -> str:
    """Run a script of the examples in a folder, and give what it printed."""
    done = python(str(path), *arguments, folder=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_from_beijing_s_air_to_lags_and_a_pdf_by_what_is_typed(shared, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(shared / "data" / "beijing-pm25.csv", tmp_path)
    script(JOURNEYS / "beijing" / "train.py", "beijing-pm25.csv", folder=tmp_path)
    page = (JOURNEYS / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    said = {}
    for line in block.splitlines():
        verb, *arguments = shlex.split(line)[1:]
        into = None
        if ">" in arguments:
            *arguments, _, into = arguments
        result = CliRunner().invoke(app, [verb, *arguments], catch_exceptions=False)
        assert result.exit_code == 0, (line, result.stderr)
        said[verb] = result.stdout
        if into is not None:
            (tmp_path / into).write_text(result.stdout, encoding="utf-8")
    assert {"init", "check", "lags", "report"} <= set(said)
    error, persistence = judged(said["check"])
    assert error < persistence
    assert judged(said["lags"])
    assert re.search(r"^ +1 .* used ", said["lags"], re.MULTILINE)
    assert (tmp_path / "pollution.pdf").read_bytes().startswith(b"%PDF-")
    assert {path.name for path in tmp_path.iterdir()} == {
        "beijing-pm25.csv", "pollution.keras", "pollution.pdf", "pollution.toml", "scaler.joblib"
    }  # fmt: skip


def test_a_module_and_its_loaders_are_judged_and_explained():
    space, printed = run(NAME)
    error, persistence = judged(printed[2])
    assert error < persistence
    assert "mean of the background" in printed[2]
    assert printed[3].endswith("True\n")
    assert str(space["evidence"].verdict.values[0]) == "used"
    stored, ran = (re.sub(r"[-+\d.,\s]+", " ", text[2]) for text in (printed_in(NAME), printed))
    assert ran == stored


def test_arrays_of_four_frameworks_are_named_proven_and_judged(tmp_path):
    out = script(JOURNEYS / "get_weights.py", folder=tmp_path)
    parts = re.split(r"\n(?=\S[^\n]* prints \d+ arrays)", out)[1:]
    frameworks = [part.partition(" prints ")[0] for part in parts]
    assert frameworks == ["Keras 1", "Keras 2", "Keras 3", "PyTorch"]
    assert [int(re.search(r"prints (\d+)", part)[1]) for part in parts] == [14, 5, 5, 6]
    for part in parts:
        assert "the only one of" in part
        error, persistence = judged(part)
        assert error < persistence
