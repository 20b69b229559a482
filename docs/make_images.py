"""Make the pictures of the README and the tutorial from the network that ships with the demo.

Run it from the repository's root, where the demo is installed (``make demo`` does that)::

    .venv/bin/python docs/make_images.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import altair as alt

import rnnlens
from rnnlens.demo.weather import demo_files, leave_files, weather_windows

HERE = Path(__file__).parent
#: The window that the tutorial looks at, among every third of those that training did not see.
SPLIT, STRIDE, SAMPLE = "2013-09-01", 3, 100


def main() -> None:
    """Write ``images/lags.png``, the share of each lag, and the pictures of ``images/tutorial``."""
    unseen = weather_windows()
    seen = weather_windows(start="2013-01-01").between(None, unseen.issued[0])
    network = rnnlens.read(demo_files().network)
    shares = rnnlens.lags(network, unseen, target="temp", background=seen)
    path = HERE / "images" / "lags.png"
    rnnlens.plot.lag_shares(shares).save(path, scale_factor=2)
    print(f"wrote {path}: {len(unseen):,} windows, residual {shares.attrs['max_residual']:.1e} F")

    # the tutorial's own windows, as its page reads them
    with tempfile.TemporaryDirectory() as folder:
        _, sidecar, series = leave_files(Path(folder))
        windows = rnnlens.windows(series, sidecar)
    seen, unseen = windows.between(None, SPLIT), windows.between(SPLIT, None)
    some = unseen.select(slice(None, None, STRIDE))
    explained = rnnlens.explain(
        network, some, target="temp", method="secant", baseline="mean", background=seen
    )
    traced = rnnlens.trace(network, some.select([SAMPLE]))
    charts: dict[str, alt.TopLevelMixin] = {
        "gates": rnnlens.plot.gates(traced),
        "waterfall": rnnlens.plot.waterfall(explained, sample=SAMPLE),
        "lag_feature": rnnlens.plot.lag_feature(explained),
    }
    for name, chart in charts.items():
        path = HERE / "images" / "tutorial" / f"{name}.png"
        chart.save(path, scale_factor=2)
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
