"""What the README shows runs, and gives what it says."""

from __future__ import annotations

import re
import shlex

import numpy as np
import pytest


@pytest.fixture
def readme(root, model, data, monkeypatch):
    """The README's text, in a folder that holds the files that it speaks of."""
    data.rename(data.with_name("weather.csv"))
    monkeypatch.chdir(model.parent)
    return (root / "README.md").read_text(encoding="utf-8")


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def test_the_notebook_example_runs_and_its_contributions_sum(readme):
    (example,) = blocks(readme, "python")
    held: dict = {}
    exec(compile(example, "README.md", "exec"), held)
    explained = held["explained"]
    summed = explained.contribution.sum(["lag", "feature"]) + explained.baseline_forecast
    np.testing.assert_allclose(summed, explained.forecast, atol=1e-9)
    assert len(example.strip().splitlines()) <= 12


def test_every_command_of_the_readme_runs(call, readme):
    commands = [
        shlex.split(line, comments=True)[1:]
        for block in blocks(readme, "console")
        for line in block.splitlines()
        if line.startswith("rnnlens ")
    ]
    assert len(commands) >= 6
    for arguments in commands:
        said = call(*arguments)
        assert said.code == 0, (arguments, said.err)


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
