"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

os.environ.setdefault("KERAS_BACKEND", "torch")

ROOT = Path(__file__).resolve().parents[1]

settings.register_profile("rnnlens", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("rnnlens")


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of model files that others made, beside the repository."""
    folder = ROOT.parent / "shared"
    if folder.is_dir():
        return folder
    sentence = f"the folder of shared model files, {folder}, is not there"
    if os.environ.get("CI"):
        pytest.fail(f"{sentence}, and this run must not skip", pytrace=False)
    pytest.skip(sentence)


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """Random numbers that are the test's own and the same in every run."""
    return np.random.default_rng(list(request.node.nodeid.encode()))
