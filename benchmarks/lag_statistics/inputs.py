"""Inputs as people have them, with draws from their true distribution given the rest of a window.

    y = x_(t-1) + a x_(t-3) + e,   e_t = 0.3 e_(t-1) + w_t of variance 1
    forecast f = x_(t-1) + 0.3 x_(t-3)

Hiding lag 3 moves the forecast by 0.3 times what its draw differs; its true change of the loss is a
mean over inputs, draws and errors, the last of which is done by formula.
"""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.stats import norm

from lag_statistics.simulate import linear_network
from rnnlens.attribution.question import Question
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.engine.forward import entries
from rnnlens.evidence.statistics.losses import Losses
from rnnlens.evidence.statistics.parts import Part, lag_parts, older_part
from rnnlens.evidence.statistics.replacement import Replacement
from rnnlens.evidence.statistics.samplers import OwnSampler, Sampler, gaussian_sampler

__all__ = ["INPUTS", "OLDER", "THIRD", "Bilinear", "Input", "Rain", "Scaled", "losses_of", "truth"]

Array = NDArray[np.float64]
Hidden = NDArray[np.bool_]

STEPS, OWN, R = 4, 0.3, 0.3
#: Windows from which a true change is worked out, and the seed of them.
MANY, SEED = 400_000, 2_000_000
(THIRD,), OLDER = lag_parts((STEPS, 1), lags=[3]), older_part((STEPS, 1), 3)


def cut(series: Array) -> Array:
    """Cut a series (length, feature) into windows (window, step, feature)."""
    windows = np.lib.stride_tricks.sliding_window_view(series, STEPS, axis=0)
    return windows.transpose(0, 2, 1).copy()


class Input(ABC):
    """An input and its draws; ``scale`` is what a window is known to be multiplied by, or None."""

    title: str
    #: Coefficient of lag 3 in the actuals.
    effect: float = 0.3

    @abstractmethod
    def windows(self, rng: np.random.Generator, count: int) -> tuple[Array, Array | None]:
        """Give windows (count, step, 1), and what a sampler knows of them beside."""

    @abstractmethod
    def sampler(self, known: Array | None) -> Sampler:
        """Give the sampler for windows, of which this is known."""


@dataclass(frozen=True)
class Rain(Input):
    """Zero but in some steps; independent, or in spells; amounts exponential, or all one."""

    title: str
    wet: float
    stay: float | None = None
    amounts: bool = True
    effect: float = 0.3

    @cached_property
    def moves(self) -> Array:
        """Chances (before, after) from dry and wet to dry and wet; the same backwards."""
        stay = self.wet if self.stay is None else self.stay
        begin = self.wet * (1 - stay) / (1 - self.wet)
        return np.array([[1 - begin, begin], [1 - stay, stay]])

    def windows(self, rng: np.random.Generator, count: int) -> tuple[Array, Array | None]:
        """Give windows; nothing is known beside."""
        length, level = count + STEPS - 1, rng.random(count + STEPS)
        wet = np.empty(length, dtype=int)
        wet[0] = level[0] < self.wet
        for t in range(1, length):
            wet[t] = level[t] < self.moves[wet[t - 1], 1]
        return cut((wet * self._amount(rng, length))[:, None]), None

    def _amount(self, rng: np.random.Generator, shape: int) -> Array:
        return rng.exponential(size=shape) if self.amounts else np.ones(shape)

    def sampler(self, known: Array | None) -> Sampler:
        """Draw step by step from the newest hidden one on, given its neighbours."""
        return OwnSampler(self._draw, "the true distribution")

    def _draw(self, x: Array, hidden: Hidden, rng: np.random.Generator) -> Array:
        drawn, wet, hides = x.copy(), (x[:, :, 0] > 0).astype(int), hidden[:, 0]
        for step in np.flatnonzero(hides)[::-1]:
            chance = np.broadcast_to([1 - self.wet, self.wet], (len(x), 2)).copy()
            if step + 1 < STEPS:
                chance *= self.moves.T[wet[:, step + 1]]
            if step and not hides[step - 1]:
                chance *= self.moves[wet[:, step - 1]] / [1 - self.wet, self.wet]
            wet[:, step] = rng.random(len(x)) < chance[:, 1] / chance.sum(axis=1)
            drawn[:, step, 0] = wet[:, step] * self._amount(rng, len(x))
        return drawn


@dataclass(frozen=True)
class Scaled(Input):
    """Normal numbers times a scale that is known: calm and wild times, or a season."""

    title: str
    rho: float = 0.0
    spread: float = 0.0
    period: int = 0

    def windows(self, rng: np.random.Generator, count: int) -> tuple[Array, Array | None]:
        """Give windows and their scales."""
        length = count + STEPS - 1
        if self.period:
            angle = 2 * np.pi * (np.arange(length) / self.period + rng.random())
            scale = 1 + 0.8 * np.sin(angle)
        else:
            log = lfilter([1], [1, -self.rho], self.spread * rng.normal(size=length + 500))[500:]
            scale = np.exp(log)
        return cut((scale * rng.normal(size=length))[:, None]), cut(scale[:, None])

    def sampler(self, known: Array | None) -> Sampler:
        """Draw each number anew, with its own scale."""
        assert known is not None

        def draw(x: Array, hidden: Hidden, rng: np.random.Generator) -> Array:
            return np.where(hidden, known * rng.normal(size=x.shape), x)

        return OwnSampler(draw, "the true distribution")


@dataclass(frozen=True)
class Bilinear(Input):
    """``x_t = 0.3 x_(t-1) + 0.5 x_(t-1) e_(t-1) + e_t``, drawn as if it were normal."""

    title: str = "bilinear"

    def windows(self, rng: np.random.Generator, count: int) -> tuple[Array, Array | None]:
        """Give windows; nothing is known beside."""
        e = rng.normal(size=count + STEPS + 100)
        x = np.zeros_like(e)
        for t in range(1, len(e)):
            x[t] = (0.3 + 0.5 * e[t - 1]) * x[t - 1] + e[t]
        return cut(x[101:, None]), None

    @cached_property
    def given(self) -> Sampler:
        """The Gaussian sampler, from many other windows."""
        other = self.windows(np.random.default_rng(SEED + 1), 20_000)[0]
        return gaussian_sampler(other, background=other)

    def sampler(self, known: Array | None) -> Sampler:
        """Give the Gaussian sampler, the same for every set."""
        return self.given


def losses_of(given: Input, effect: float, seed: int, count: int, loss: str = "squared") -> Losses:
    """Prepare the tests of one set.

    Parameters
    ----------
    given : Input
        What the windows are like.
    effect : float
        Coefficient a of lag 3 in the actuals.
    seed, count : int
        Of the set; its windows.
    loss : {"squared", "absolute"}
        Of the forecast's error.

    Returns
    -------
    Losses
        For `equivalence` and `horizon`.
    """
    rng = np.random.default_rng(seed)
    x, known = given.windows(rng, count)
    noise = lfilter([1], [1, -R], rng.normal(size=count + 200))[200:] * np.sqrt(1 - R**2)
    y = x[:, -1, 0] + effect * x[:, -3, 0] + noise
    network = linear_network(np.array([1.0, 0.0, OWN, 0.0]))
    inputs, target = entries(network, x), ResolvedTarget((0,))
    windows = Replacement(Question(network=network, inputs=inputs, of="x", target=target))
    return Losses(windows, given.sampler(known), y, loss=loss, seed=seed)


def truth(given: Input, effect: float, part: Part, loss: str = "squared") -> float:
    """Work out the true change of the mean loss where a part is hidden.

    Parameters
    ----------
    given : Input
        What the windows are like.
    effect : float
        Coefficient a of lag 3 in the actuals.
    part : Part
        What is hidden.
    loss : {"squared", "absolute"}
        Of the forecast's error.

    Returns
    -------
    float
        In units of the loss; of many windows, and exact in the errors.
    """
    rng = np.random.default_rng(SEED)
    x, known = given.windows(rng, MANY)
    drawn = given.sampler(known).draw(x, part.hidden, 1, rng)[:, 0]
    before = (effect - OWN) * x[:, -3, 0]
    after = before - OWN * (drawn[:, -3, 0] - x[:, -3, 0])
    return float(np.mean(_expected(after, loss) - _expected(before, loss)))


def _expected(centre: Array, loss: str) -> Array:
    """Give the mean loss of an error of variance 1 around a centre."""
    if loss == "squared":
        return centre**2 + 1
    return centre * (1 - 2 * norm.cdf(-centre)) + 2 * norm.pdf(centre)


#: The effect of rain makes lag 3 change the squared error by about 0.05.
INPUTS: tuple[Input, ...] = (
    Rain("3 % wet", 0.03, effect=1.41),
    Rain("10 % wet", 0.1, effect=0.44),
    Rain("30 % wet", 0.3, effect=0.163),
    Rain("10 % wet, in spells", 0.1, stay=0.6, effect=0.44),
    Rain("30 % wet, in spells", 0.3, stay=0.6, effect=0.163),
    Rain("binary, one in 10", 0.1, amounts=False),
    Rain("binary, one in 2", 0.5, amounts=False),
    Bilinear(),
    Scaled("volatile, correlation 0.9", rho=0.9, spread=0.3),
    Scaled("volatile, correlation 0.95", rho=0.95, spread=0.1),
    Scaled("season of 48 steps", period=48),
    Scaled("normal"),
)
