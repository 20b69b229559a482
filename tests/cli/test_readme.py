"""What the README shows runs, and gives what it says."""

from __future__ import annotations

import re
import shlex

import numpy as np
import pytest

from rnnlens.demo.weather import leave_files


@pytest.fixture
def readme(root) -> str:
    return (root / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def in_a_folder_with_a_short_series(model, data, monkeypatch):
    data.rename(data.with_name("weather.csv"))
    monkeypatch.chdir(model.parent)


@pytest.fixture
def in_a_folder_with_the_demo_s_files(tmp_path, monkeypatch):
    leave_files(tmp_path)
    monkeypatch.chdir(tmp_path)


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.usefixtures("in_a_folder_with_a_short_series")
def test_the_notebook_example_runs_and_its_contributions_sum(readme):
    (example,) = blocks(readme, "python")
    held: dict = {}
    exec(compile(example, "README.md", "exec"), held)
    explained = held["explained"]
    summed = explained.contribution.sum(["lag", "feature"]) + explained.baseline_forecast
    np.testing.assert_allclose(summed, explained.forecast, atol=1e-9)
    assert len(example.strip().splitlines()) <= 12


@pytest.mark.usefixtures("in_a_folder_with_the_demo_s_files")
def test_every_command_of_the_readme_runs(call, readme):
    commands = [
        shlex.split(line.partition(" > ")[0], comments=True)[1:]
        for block in blocks(readme, "console")
        for line in block.splitlines()
        if line.startswith("rnnlens ")
    ]
    assert len(commands) >= 6
    for arguments in commands:
        said = call(*arguments)
        assert said.code == 0, (arguments, said.err)


@pytest.mark.usefixtures("in_a_folder_with_the_demo_s_files")
def test_the_line_that_inspect_is_shown_to_print_is_printed(call, readme):
    shown = [line for block in blocks(readme, "text") for line in block.splitlines()]
    printed = [line.strip() for line in call("inspect", "weather.keras").out.splitlines()]
    assert shown
    assert set(shown) <= set(printed)


def test_every_make_target_that_the_documents_name_is_there(root):
    targets = set(re.findall(r"^([a-z]+):", (root / "Makefile").read_text(), flags=re.MULTILINE))
    for name in ("README.md", "CONTRIBUTING.md"):
        named = set(re.findall(r"`?make ([a-z]+)", (root / name).read_text(encoding="utf-8")))
        assert named & {"demo", "test"}
        assert named - {"and", "a"} <= targets, name
