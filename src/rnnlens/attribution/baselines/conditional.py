"""A baseline that fits what is shown: the Gaussian conditional distribution of what is hidden.

For windows with mean m and covariance C, where the numbers S are hidden and A are shown,

    x_S | x_A  ~  N( m_S + C_SA C_AA^-1 (x_A - m_A),  C_SS - C_SA C_AA^-1 C_AS )

exact for Gaussian data such as a VAR process with Gaussian noise. Hidden numbers are replaced by
this mean, or by draws from the distribution, over which values are then averaged: with draws the
value of a coalition estimates E[f(x) | x_A], with the mean alone it is f(E[x | x_A]), the same for
a linear network only.

This is *conditional*: it says what the data imply. A lag that the network ignores gets credit
where it foretells one that the network uses; an interventional baseline gives it none.

Where windows have too many numbers for that, what is hidden depends on neighbouring steps alone
(`rnnlens.attribution.baselines.banded`); where even that is too much to write down, the covariance
is kept in the span of the windows (`rnnlens.attribution.baselines.spanned`).

What is filled in depends on what is shown, older and newer, so states cannot be shared
between coalitions and no single window is "the baseline": methods that compare coalitions can use
it (`rnnlens.attribution.games.conditional`: trees, random orders, occlusion), those that compare
with one window cannot (secant, integrated gradients). Padding has no distribution; masked steps are
refused.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock
from typing import ClassVar, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnlens.attribution.baselines.banded import FEWEST_WINDOWS, BandMoments, band_moments
from rnnlens.attribution.baselines.baseline import Array, checked_data, whose_windows
from rnnlens.attribution.baselines.covariance import MOST_NUMBERS, WindowMoments, window_moments
from rnnlens.attribution.baselines.spanned import SpannedMoments, spanned_moments
from rnnlens.errors import DataError, InputError
from rnnlens.names import told

__all__ = ["GaussianConditional", "gaussian_conditional", "refuse_conditional"]

Shown = NDArray[np.bool_]
#: How the numbers of windows go together.
AnyMoments = WindowMoments | BandMoments | SpannedMoments

#: Windows for each number of a window from which on the covariance of all numbers is learned; with
#: fewer, that of neighbouring steps.
WINDOWS_EACH = 10
#: Entries of the precision of neighbouring steps beyond which the covariance is kept in the span of
#: the windows instead: each takes some hundred bytes while it is made.
MOST_ENTRIES = 10_000_000


@dataclass(frozen=True, eq=False)
class GaussianConditional:
    """Fills in what is hidden from what is shown.

    Parameters
    ----------
    text : str
        What it is, for the result.
    moments : WindowMoments, BandMoments or SpannedMoments
        Of the windows.
    shape : tuple of int
        ``(step, feature)`` of a window.
    held : array of int
        Features that are always shown.
    draws : int
        Draws for each coalition; 0 for the conditional mean.
    seed : int
        Of the draws, which are the same for every coalition.
    """

    kind: ClassVar[str] = "conditional"

    text: str
    moments: AnyMoments
    shape: tuple[int, int]
    held: NDArray[np.int64]
    draws: int
    seed: int

    def stand_in(self, x: Array, masks: Shown) -> Array:
        """Give the windows that the network sees for each coalition.

        Shapes: x (sample, step, feature), masks (coalition, step) or (coalition, step, feature) of
        bool -> (sample, coalition, draw, step, feature).
        """
        if x.shape[1:] != self.shape:
            raise DataError(
                f"the conditional baseline was made for windows of shape {self.shape}, but came to "
                f"windows of {x.shape[1:]}"
            )
        shown = masks[..., None] if masks.ndim == 2 else masks
        shown = np.broadcast_to(shown, (len(masks), *self.shape)).copy()
        shown[..., self.held] = True
        shown = shown.reshape(len(masks), -1)
        flat = x.reshape(len(x), -1)
        z = self._normal(len(x))
        by_coalition = [self.fill(flat, one, z) for one in shown]
        none = np.empty((len(x), 0, *z.shape[1:]))
        filled = np.stack(by_coalition, axis=1) if by_coalition else none
        return filled.reshape(len(x), len(masks), -1, *self.shape)

    def _normal(self, samples: int) -> Array:
        """Give standard normal numbers (sample, draw, number); zeros where means are wanted."""
        numbers = self.shape[0] * self.shape[1]
        if self.draws == 0:
            return np.zeros((samples, 1, numbers))
        # the same for every window and coalition: neither company nor order changes an answer
        z = np.random.default_rng(self.seed).standard_normal((self.draws, numbers))
        return np.broadcast_to(z, (samples, self.draws, numbers))

    def fill(self, x: Array, shown: Shown, z: Array) -> Array:
        """Fill in one coalition, whatever is held.

        Shapes: x (sample, step * feature), shown (step * feature,) of bool, z (sample, draw, step *
        feature) -> (sample, draw, step * feature).
        """
        values = self.hidden_values(x, shown, z[..., ~shown])
        filled = x[:, None].repeat(values.shape[1], axis=1)
        filled[..., ~shown] = values
        return filled

    def hidden_values(self, x: Array, shown: Shown, z: Array) -> Array:
        """Give what is hidden in one coalition, whatever is held.

        Shapes: x (sample, step * feature), shown (step * feature,) of bool, z (sample, draw,
        hidden) -> (sample, draw, hidden).
        """
        if self.draws:
            return self.moments.hidden_values(x, shown, z)
        means = self.moments.hidden_values(x, shown, None)
        return means.repeat(z.shape[1], axis=1)


#: What was learned last, by the windows that it was learned from: verbs and targets ask again.
_LEARNED: OrderedDict[tuple[tuple[int, ...], bytes], AnyMoments] = OrderedDict()
_LOCK = Lock()
#: How many are kept: each is as large as some thousand windows at the most.
KEPT = 2


def _moments(data: Array) -> AnyMoments:
    """Learn how the numbers of windows go together, or remember it of the same windows."""
    # by content: a caller may have changed an array since
    whose = data.shape, blake2b(np.ascontiguousarray(data).data).digest()
    with _LOCK:
        known = _LEARNED.get(whose)
    made = _learned(data) if known is None else known
    with _LOCK:
        _LEARNED[whose] = made
        _LEARNED.move_to_end(whose)
        while len(_LEARNED) > KEPT:
            _LEARNED.popitem(last=False)
    return made


def _learned(data: Array) -> AnyMoments:
    """Learn how all numbers of a window go together, or where windows are too few, neighbours."""
    windows, numbers = len(data), int((data != data[0]).any(axis=0).sum())
    enough = windows >= WINDOWS_EACH * numbers or numbers < windows < FEWEST_WINDOWS
    if enough and numbers <= MOST_NUMBERS:
        return window_moments(data)
    steps, features = data.shape[1:]
    if windows >= FEWEST_WINDOWS and 3 * steps * features**2 > MOST_ENTRIES:
        return spanned_moments(data)
    return band_moments(data)


def gaussian_conditional(
    x: Array,
    *,
    held: NDArray[np.int64] | None = None,
    background: ArrayLike | None = None,
    draws: int = 0,
    seed: int = 0,
) -> GaussianConditional:
    """Make the Gaussian-conditional baseline from windows.

    Shapes: x (sample, step, feature), background (window, step, feature).

    Examples
    --------
    >>> import numpy as np
    >>> data = np.random.default_rng(0).normal(size=(500, 2, 1)).cumsum(axis=1)
    >>> given = gaussian_conditional(data)
    >>> shown = np.array([[True, False]])
    >>> filled = given.stand_in(np.array([[[1.0], [9.0]]]), shown)
    >>> filled.shape, bool(abs(filled[0, 0, 0, 1, 0] - 1.0) < 0.1)
    ((1, 1, 1, 2, 1), True)
    """
    if draws < 0:
        raise InputError(f"the number of draws must be 0 or more, but is {draws}")
    data = checked_data(x if background is None else background, x)
    moments = _moments(data)
    how = told("conditional mean")
    if draws:
        how = told("mean of {draws} draws, seed {seed}", draws=draws, seed=seed)
    text = told(
        "Gaussian given {given} ({how}; covariance of {whose}, {shrunk})",
        given=moments.given,
        how=how,
        whose=whose_windows(len(data), background is None),
        shrunk=moments.shrunk,
    )
    held = np.array([], dtype=np.int64) if held is None else held
    return GaussianConditional(text, moments, (x.shape[1], x.shape[2]), held, draws, seed)


def refuse_conditional(method: str) -> NoReturn:
    """Refuse a conditional baseline in a method that compares with one window."""
    raise InputError(
        f"a conditional baseline depends on what is shown, but method {method!r} compares with "
        "one window: use 'tree', 'owen', 'permutation' or 'occlusion', or an interventional "
        "baseline"
    )
