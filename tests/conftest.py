"""What every test may ask for."""

from __future__ import annotations

import gc
import os
from collections import defaultdict
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import typer.testing
from hypothesis import settings

import compile_kernels
from processes import running
from rnnlens.engine.schedule.context import kernels

os.environ.setdefault("KERAS_BACKEND", "torch")

ROOT = Path(__file__).resolve().parents[1]
#: No other generator in the tests begins here: what a test draws from two of them is independent.
SEED = 1997

#: Objects made before Python looks for garbage again, in place of hundreds: trees of code are made
#: of many, and are none.
SELDOM = 20_000

settings.register_profile("rnnlens", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("rnnlens")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile what most tests call before the workers start, and not once in each of them."""
    workers = session.config.getoption("numprocesses", None)
    if not workers or session.config.option.collectonly:
        return  # a worker, or no worker at all
    makers = str(ROOT / "tests" / "makers")
    with ExitStack() as stack:
        children = [
            stack.enter_context(running(compile_kernels.__file__, *kinds, PYTHONPATH=makers))
            for kinds in compile_kernels.HALVES
        ]
        for child in children:
            child.communicate()  # whatever it ends in: the tests will say what is wrong


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage among the tests and the libraries, neither now nor while tests run."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(SELDOM)
        gc.enable()


@pytest.fixture(autouse=True)
def _by_kernels() -> Iterator[None]:
    """Have kernels compute what tests ask for, whatever is compiled by now: to the same bits."""
    with kernels():
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_command_line() -> Iterator[None]:
    """Lay out the options of all commands once: it takes longer than most calls of one command."""
    laid_out = cache(typer.main.get_command)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", laid_out)
        patch.setattr(typer.testing, "_get_command", laid_out)
        yield


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of model files that others made; whoever names it demands that they are there."""
    named = os.environ.get("RNNLENS_SHARED")
    if not named:
        pytest.skip("needs model files that others made: RNNLENS_SHARED=/path/to/their/folder")
    folder = Path(named).resolve()
    if not folder.is_dir():
        pytest.fail(f"RNNLENS_SHARED names {folder}, which is not a folder", pytrace=False)
    return folder


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the figures out of pages of which the words alone are looked at: they take the most."""

    def none(*_: object) -> defaultdict[str, list[object]]:
        return defaultdict(list)

    monkeypatch.setattr("rnnlens.views.report.render.figures_of", none)
    monkeypatch.setattr("rnnlens.views.report.drawn.begin_figures", none)


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers, the same for every test, wherever it stands and however it is called."""
    return np.random.default_rng(SEED)
