"""Whether a quantity can be read off a memory, and whether that says anything of the training.

A ridge regression reads the quantity off the state of a recurrent layer. Time is cut into blocks;
each is read by a regression fitted to the others, windows that overlap it left out, and the R2 is
that of all blocks together. It counts for little by itself: a random memory holds much of what
went into it, and smooth series go together by chance. Four controls therefore stand beside it:

* *untrained*: the same network with random weights of the same scale;
* *inputs*: the window itself, from which any weighted mean of inputs can be read;
* *shifted*: the quantity moved round in time, which keeps its smoothness and breaks the tie; the
  p-value is the share of such shifts that are read as well (Hewitt and Liang 2019, "Designing and
  interpreting probes with control tasks", for the idea of a control task);
* *surrogate*: series with the quantity's spectrum and random phases (Theiler et al. 1992,
  "Testing for nonlinearity in time series").

*Selectivity* is R2 minus the best control's, both taken as 0 where below it. Failure: what can be
read off need not be used by the network; and a quantity that is not linear in the state is not
found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.attribution.games.mixing import flat_steps
from rnnlens.checks.randomised import learned_layers, with_random_weights
from rnnlens.engine.forward import forward, inputs_of
from rnnlens.engine.schedule.plan import chunks
from rnnlens.engine.trace import LSTMTrace, layer_traces
from rnnlens.errors import DataError, InputError
from rnnlens.names import declared
from rnnlens.network.network import Network

__all__ = ["Controls", "Probe", "blocked_r2", "probe", "surrogates"]

#: Penalties that generalised cross-validation chooses from, for standardised columns.
PENALTIES = np.logspace(-3, 6, 19)


@dataclass(frozen=True, eq=False, kw_only=True)
class Probe:
    """How well a quantity is read off a memory, beside its controls.

    Parameters
    ----------
    r2 : float
        Of the trained network's state, in blocks that the regression has not seen.
    untrained, from_inputs, shifted, surrogate : float
        The same of each control, the mean over its draws.
    selectivity : float
        By how much the state is better than the best control; values below 0 count as 0.
    p_value : float
        Share of shifts, the quantity's own place among them, that are read as well.
    correlation : array (unit,)
        Of each unit alone with the quantity; says where to look, and nothing of chance.
    """

    r2: float = declared()
    untrained: float = declared()
    from_inputs: float = declared()
    shifted: float = declared()
    surrogate: float = declared()
    selectivity: float = declared()
    p_value: float = declared()
    correlation: Array = declared("unit")


@dataclass(frozen=True, kw_only=True)
class Controls:
    """What a memory is compared with.

    Parameters
    ----------
    draws : int
        Untrained networks, and surrogate series.
    shifts : int
        Of the quantity in time.
    seed : int
        Of all that is drawn.
    """

    draws: int = 5
    shifts: int = 99
    seed: int = 0


def probe(
    network: Network,
    inputs: Mapping[str, Array],
    quantity: Array,
    *,
    of: str,
    layer: str,
    blocks: int = 5,
    gap: int | None = None,
    controls: Controls = Controls(),
) -> Probe:
    """Read a quantity off the memory of a layer, and off what must not hold it.

    Shapes: inputs mapping of str to (sample, ...), quantity (sample,).
    """
    y = np.asarray(quantity, dtype=np.float64)
    window = flat_steps(inputs[of])
    apart = window.shape[1] if gap is None else gap
    _check(y, len(window), blocks, apart)
    rng = np.random.default_rng(controls.seed)
    moved, random = _shifted(y, controls.shifts, rng), surrogates(y, controls.draws, rng)

    def read(columns: Array, sought: Array) -> Array:
        return blocked_r2(columns, sought, blocks, apart)

    memory = _memory(network, inputs, layer)
    r2, shifted = float(read(memory, y[:, None])[0]), read(memory, moved)
    untrained = [
        read(_memory(other, inputs, layer), y[:, None])
        for other in _untrained(network, controls.draws, controls.seed)
    ]
    read_off = {
        "untrained": float(np.mean(untrained)),
        "from_inputs": float(read(window.reshape(len(y), -1), y[:, None])[0]),
        "shifted": float(shifted.mean()),
        "surrogate": float(read(memory, random).mean()),
    }
    return Probe(
        r2=r2,
        **read_off,
        selectivity=max(0.0, r2) - max(0.0, *read_off.values()),
        p_value=float((1 + np.sum(shifted >= r2)) / (1 + controls.shifts)),
        correlation=_correlation(memory, y),
    )


def _shifted(y: Array, count: int, rng: np.random.Generator) -> Array:
    """Move a series round in time (sample, shift), by a tenth of it or more."""
    tenth = max(1, len(y) // 10)
    places = rng.integers(tenth, len(y) - tenth + 1, count)
    return np.stack([np.roll(y, place) for place in places], axis=1)


def _untrained(network: Network, count: int, seed: int) -> Iterator[Network]:
    learned = learned_layers(network)
    return (with_random_weights(network, learned, seed + k) for k in range(count))


def blocked_r2(columns: Array, y: Array, blocks: int, gap: int) -> Array:
    """Give the R2 of ridge regressions in blocks of time that they have not seen.

    Shapes: columns (sample, column), y (sample, quantity) -> (quantity,).
    """
    edges = np.linspace(0, len(y), blocks + 1).astype(int)
    missed, spread = np.zeros(y.shape[1]), np.zeros(y.shape[1])
    place = np.arange(len(y))
    for low, high in pairwise(edges):
        fit = (place < low - gap) | (place >= high + gap)
        mean, scale = columns[fit].mean(axis=0), columns[fit].std(axis=0)
        keep = scale > 0
        level = y[fit].mean(axis=0)
        Z = (columns[:, keep] - mean[keep]) / scale[keep]
        predicted = level + Z[low:high] @ _ridge(Z[fit], y[fit] - level)
        missed += ((y[low:high] - predicted) ** 2).sum(axis=0)
        spread += ((y[low:high] - level) ** 2).sum(axis=0)
    return 1 - missed / spread


def _ridge(Z: Array, y: Array) -> Array:
    """Give coefficients (column, quantity), each quantity under its own best penalty."""
    U, s, Vt = np.linalg.svd(Z, full_matrices=False)
    on = U.T @ y
    beside = (y**2).sum(axis=0) - (on**2).sum(axis=0)
    kept = s**2 / (s**2 + PENALTIES[:, None])
    left = np.einsum("ps,sq->pq", (1 - kept) ** 2, on**2) + beside
    freedom = len(Z) - 1 - kept.sum(axis=1)
    best = np.argmin(left / np.maximum(freedom, 1)[:, None] ** 2, axis=0)
    return Vt.T @ (s[:, None] / (s[:, None] ** 2 + PENALTIES[best]) * on)


def surrogates(y: Array, count: int, rng: np.random.Generator) -> Array:
    """Draw series with the spectrum of another and random phases.

    Shapes: y (sample,) -> (sample, draw).

    Examples
    --------
    >>> import numpy as np
    >>> y = np.cumsum(np.random.default_rng(0).normal(size=64))
    >>> other = surrogates(y, 1, np.random.default_rng(1))[:, 0]
    >>> np.allclose(abs(np.fft.rfft(other)), abs(np.fft.rfft(y))), np.allclose(other, y)
    (True, False)
    """
    size = np.abs(np.fft.rfft(y))[:, None]
    turn = np.exp(2j * np.pi * rng.random((len(size), count)))
    # what has no phase keeps its sign: the mean, and in even lengths the fastest change
    ends = [0, -1] if len(y) % 2 == 0 else [0]
    turn[ends] = np.sign(np.fft.rfft(y)[ends].real)[:, None]
    return np.fft.irfft(size * turn, n=len(y), axis=0)


def _memory(network: Network, inputs: Mapping[str, Array], layer: str) -> Array:
    """Give the state (sample, unit) of a layer at the newest step."""
    newest_states = []
    for chunk in chunks(network, inputs, runs=3):
        traces = layer_traces(forward(network, inputs_of(inputs, chunk)))
        if layer not in traces:
            raise InputError(f"no recurrent layer is called {layer!r}: it has {', '.join(traces)}")
        trace = traces[layer]
        state = trace.cell if isinstance(trace, LSTMTrace) else trace.hidden
        newest_states.append(state[:, -1])
    return np.concatenate(newest_states)


def _correlation(memory: Array, y: Array) -> NDArray[np.float64]:
    Z, z = memory - memory.mean(axis=0), y - y.mean()
    size = np.sqrt((Z**2).sum(axis=0) * (z**2).sum())
    return np.divide(z @ Z, size, out=np.zeros(Z.shape[1]), where=size > 0)


def _check(y: Array, samples: int, blocks: int, gap: int) -> None:
    if y.shape != (samples,):
        raise DataError(
            f"the quantity must have one value for each of {samples} windows, but has shape "
            f"{y.shape}"
        )
    if not np.isfinite(y).all():
        raise DataError("the quantity holds NaN or infinity: leave those windows out")
    if np.ptp(y) == 0:
        raise DataError("the quantity never changes in these windows: there is nothing to read")
    if blocks < 2 or samples - samples // blocks - 2 * gap < samples // 4:
        raise DataError(
            f"{blocks} blocks of {samples} windows with {gap} left out on either side leave too "
            "few to fit: give more windows or a smaller gap"
        )
