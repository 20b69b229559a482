"""How far the default's shares by lag are from exact values, without and with exact newest lags.

    python benchmarks/default_shares.py [FOLDER]

Takes the shipped weather network on its own windows, and the model files of a folder on random
walks. For each: secant alone (before), the default's contributions with the newest lags exact
(after), and the exact tree of twelve lags; against the same mean, in the same windows.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import rnnlens
from rnnlens.demo.weather import demo_files, weather_windows
from rnnlens.errors import RnnlensError

#: Windows that are compared, and lags that are exact.
WINDOWS, LAGS = 30, 10
#: Windows of the whole question, which share one budget.
WHOLE = 500


def cases(folder: Path | None) -> Iterator[tuple[str, rnnlens.Network, object, object]]:
    """Give networks with windows, and what is asked of them."""
    yield "weather", rnnlens.read(demo_files().network), weather_windows(), "temp"
    rng = np.random.default_rng(0)
    for path in sorted([] if folder is None else folder.rglob("*")):
        if path.suffix not in {".h5", ".pt", ".onnx"}:
            continue
        try:
            net = rnnlens.read(path)
        except RnnlensError:
            continue
        (shape, *others) = [entry.shape for entry in net.inputs.values()]
        if others or len(shape) != 2:
            continue
        steps, features = shape[0] or 16, shape[1] or 1
        walks = rng.normal(size=(WHOLE, steps, features)).cumsum(axis=1)
        yield path.name, net, walks / walks.std(axis=(0, 1)), 0


def by_lag(found: object, lags: int) -> np.ndarray:
    """Sum contributions to the newest lags, and all older ones: (sample, lag)."""
    values = found.contribution
    values = (values.sum("feature") if "feature" in values.dims else values).values
    if values.shape[1] <= lags:
        return values
    return np.column_stack([values[:, :lags], values[:, lags:].sum(axis=1)])


def off(found: np.ndarray, exact: np.ndarray) -> tuple[float, float, float]:
    """Give the mean difference by window in the mean size, the shares moved, the worst factor."""
    mean = float(np.abs(found - exact).mean() / np.abs(exact).mean())
    a, b = (np.abs(one).mean(axis=0) / np.abs(one).mean(axis=0).sum() for one in (found, exact))
    seen = b > 0.01
    factor = float(np.maximum(a[seen] / b[seen], b[seen] / a[seen]).max())
    return mean, float(np.abs(a - b).sum() / 2), factor


def main() -> None:
    """Print a line a network."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    print("network: mean difference in the mean size, share of shares moved, worst factor")
    for name, net, x, target in cases(folder):
        count = len(x)
        which = np.linspace(0, count - 1, min(WINDOWS, count)).astype(int)
        ask = {"target": target, "baseline": "mean"}
        try:
            begun = time.perf_counter()
            before = rnnlens.explain(net, x, method="secant", **ask)
            between = time.perf_counter()
            after = rnnlens.explain(net, x, method="auto", newest=10_000, **ask)
            ended = time.perf_counter()
        except RnnlensError as said:
            print(f"{name}: {said}")
            continue
        few = x.select(which) if hasattr(x, "select") else x[which]
        lags = min(LAGS, before.sizes["lag"])
        exact = rnnlens.explain(net, few, method="tree", newest=lags, background=x, **ask)
        true = by_lag(exact, lags)
        rows = [by_lag(one, lags)[which] for one in (before, after)]
        said = [" ".join(f"{number:.3f}" for number in off(row, true)) for row in rows]
        print(
            f"{name}: before {said[0]} ({between - begun:.1f} s), after {said[1]} "
            f"({ended - between:.1f} s; {after.attrs['method']}, {after.attrs['exact_lags']} lags "
            f"exact; audit {after.attrs.get('audit_share', float('nan')):.3f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
