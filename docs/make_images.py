"""Make the pictures of the README from the network that ships with the demo.

Run it from the repository's root, where the demo is installed (``make demo`` does that)::

    .venv/bin/python docs/make_images.py
"""

from __future__ import annotations

from pathlib import Path

import rnnlens
from rnnlens.demo.weather import demo_files, weather_windows
from rnnlens.views.charts import lag_shares

HERE = Path(__file__).parent


def main() -> None:
    """Write ``images/lags.png``: the share of each lag in the temperature forecasts."""
    unseen = weather_windows()
    seen = weather_windows(start="2013-01-01").between(None, unseen.issued[0])
    network = rnnlens.read(demo_files().network)
    shares = rnnlens.lags(network, unseen, target="temp", background=seen)
    path = HERE / "images" / "lags.png"
    lag_shares(shares).save(path, scale_factor=2)
    print(f"wrote {path}: {len(unseen):,} windows, residual {shares.attrs['max_residual']:.1e} F")


if __name__ == "__main__":
    main()
