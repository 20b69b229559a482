"""A mean over windows cut from a long table takes no memory that grows with their overlap."""

import subprocess
import sys

import numpy as np
import pytest

from rnnlens.attribution.baselines import baseline
from rnnlens.attribution.baselines.baseline import make_baseline

PROGRAM = """
import resource
import numpy as np
from rnnlens.attribution.baselines.baseline import make_baseline
from rnnlens.api.shared.forecast.places import _follow
table = np.random.default_rng(0).normal(size=(43_800, 8))
x = np.lib.stride_tricks.sliding_window_view(table, 168, axis=0).swapaxes(1, 2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
make_baseline("mean", x[-1:], background=x)
assert _follow(x, np.arange(len(x)))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_table_of_43800_rows_takes_under_100_megabytes():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    unit = 1 if sys.platform == "darwin" else 1024
    # laid out as rows the windows take 470 MB
    assert int(done.stdout) * unit < 100e6


def test_the_mean_in_blocks_is_the_mean(rng, monkeypatch):
    x = rng.normal(size=(50, 6, 3))
    x[..., 1] = 0.1  # constant: its mean is free of rounding
    whole = make_baseline("mean", x)
    monkeypatch.setattr(baseline, "MOST_COPIED", 10)
    parts = make_baseline("mean", x)
    assert parts.text == whole.text and parts.windows[0].shape == whole.windows[0].shape
    # two orders of summing 300 numbers of size 1
    np.testing.assert_allclose(parts.windows[0], whole.windows[0], rtol=0, atol=1e-14)
    assert parts.windows[0][0, 0, 1] == pytest.approx(0.1, abs=0)
