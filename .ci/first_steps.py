"""What a user does first with an installed rnnlens, in an empty folder: read, explain, write."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

import numpy as np

import rnnlens

assert Path(rnnlens.__file__).is_relative_to(sys.prefix), f"{rnnlens.__file__} is not installed"

network = rnnlens.read(str(files("rnnlens.demo") / "weather.keras"))
X = np.random.default_rng(0).normal(size=(3, 24, 10))

answer = rnnlens.explain(network, X, target=0)
total = answer.contribution.sum(["lag", "feature"]) + answer.baseline_forecast
# sums of some hundred float64 numbers of order one
np.testing.assert_allclose(total, answer.forecast, rtol=0, atol=1e-9)

for name in ("again.npz", "again.keras"):
    rnnlens.convert(network, name)
    again = rnnlens.read(name)
    # the file holds float32, as does the one that ships
    np.testing.assert_allclose(
        rnnlens.predict(again, X), rnnlens.predict(network, X), rtol=0, atol=1e-6
    )
