"""That a fixed point exists, is alone in a box, and in how many directions it is unstable.

**Krawczyk** (1969): with ``m`` near a zero of ``G(s) = F(s) - s``, ``C`` near the inverse of G'(m)
and X the box of radius r around m, if

    |C G(m)| + |I - C G'(X)| r  <  r        in every number,

X holds one zero of G and one alone. The smallest r that passes says how near the point is to m, the
largest in how large a box it is alone.

**Gershgorin**: the eigenvalues of A are those of ``V^-1 A V = D + V^-1 (A V - V D)``, so they lie
in discs about D. Where no disc meets the unit circle, as many lie outside as discs do.

**Index**: the sign of det(I - F'(p)). Every matrix in G'(X) has the sign of ``det C`` then, for
``C G'`` is within 1 of I; and C is taken as a product of triangular matrices, whose signs are read
off.

All of it is computed outward; docs/soundness.md derives the rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from rnnlens.dynamics.fixed_points.intervals import (
    TINY,
    UNIT,
    Interval,
    Number,
    array_of,
    magnitude,
    matrix_product,
)
from rnnlens.dynamics.fixed_points.step_map import StepMap

__all__ = ["Proof", "prove", "unstable_directions"]

Array = NDArray[np.float64]

#: Radii that are tried, smallest first.
RADII = np.concatenate([10.0 ** np.arange(-14.0, -2.0), 10.0 ** np.arange(-2.0, 0.01, 0.25)])
#: How far a matrix is shaken where its eigenvectors nearly agree, to get others to look from.
SHAKEN = (0.0, 1e-10, 1e-7, 1e-5)


@dataclass(frozen=True)
class Proof:
    """What is proven of one point.

    Parameters
    ----------
    radius : float
        The exact point is within this of the point given, in every number; NaN without a proof.
    alone : float
        Within this there is no other.
    unstable : int
        Directions in which it is unstable; -1 where that is not proven.
    index : int
        Sign of det(I - F'), of the map around the whole cycle; 0 where it is not proven.
    """

    radius: float = np.nan
    alone: float = np.nan
    unstable: int = -1
    index: int = 0

    @property
    def holds(self) -> bool:
        """Whether the point is proven to exist."""
        return bool(np.isfinite(self.radius))


def prove(step: StepMap, point: Array) -> Proof:
    """Prove one point of the map on L states: (phase, state)."""
    size = point.size
    steepness = array_of(step.whole(step.jacobians(point))) - np.eye(size)
    if not np.isfinite(steepness).all():
        return Proof()
    inverse = _inverse(steepness)
    if inverse is None:
        return Proof()
    image = step(Interval.at(point))
    assert isinstance(image, Interval)
    gap = (image - point).low.reshape(-1), (image - point).high.reshape(-1)
    C = inverse.product
    shift = magnitude(_within(matrix_product(C, Interval(*gap)), inverse, Interval(*gap)))
    least = most = np.nan
    held: list[Number] | None = None
    for radius in RADII:
        if radius <= shift.max():
            continue
        box = Interval.around(point, radius)
        jacobians = step.jacobians(box)
        contraction = _contraction(step, inverse, jacobians)
        reach = contraction.sum(axis=1) * (1.0 + 4.0 * (size + 8) * UNIT)
        if bool(((shift + reach * radius) * (1.0 + 8.0 * UNIT) < radius).all()):
            most = radius
            if held is None:
                least, held = radius, jacobians
        elif held is not None:
            break
    if held is None:
        return Proof()
    around = _round(held)
    # C (J - I) is near I, so det(I - J) has the sign of (-1)^n det C
    index = inverse.sign * (-1) ** size
    return Proof(float(least), float(most), unstable_directions(around), int(index))


@dataclass(frozen=True, eq=False)
class _Inverse:
    """An inverse as ``R L P`` with triangular R and L, the product rounded, and its sign."""

    product: Array
    lost: Array
    sign: int


def _inverse(matrix: Array) -> _Inverse | None:
    """Invert by triangular matrices: the sign of the determinant is then exact."""
    with np.errstate(all="ignore"):
        permutation, lower, upper = map(np.asarray, linalg.lu(matrix))
        if not np.abs(np.diagonal(upper)).min() > 0:
            return None
        eye = np.eye(len(matrix))
        left = np.tril(linalg.solve_triangular(lower, eye, lower=True, unit_diagonal=True))
        right = np.triu(linalg.solve_triangular(upper, eye))
    signs = np.sign(np.diagonal(right))
    if not np.isfinite(right).all() or not np.isfinite(left).all() or not signs.all():
        return None
    np.fill_diagonal(left, 1.0)
    exact = matrix_product(right, left)
    product, turned = exact.middle, permutation.T
    sign = int(np.prod(signs)) * _permutation_sign(permutation)
    return _Inverse(product @ turned, exact.radius @ turned, sign)


def _permutation_sign(permutation: Array) -> int:
    """Give the sign of a permutation by its cycles."""
    order, sign = permutation.argmax(axis=1), 1
    seen = np.zeros(len(order), bool)
    for k in range(len(order)):
        length, at = 0, k
        while not seen[at]:
            seen[at], at, length = True, order[at], length + 1
        sign = -sign if length and length % 2 == 0 else sign
    return sign


def _within(product: Interval, inverse: _Inverse, right: Interval) -> Interval:
    """Widen ``C right`` by what C is rounded by."""
    lost = inverse.lost @ magnitude(right)
    lost = lost * (1.0 + 8.0 * (len(lost) + 16) * UNIT) + TINY
    return product + Interval(-lost, lost)


def _contraction(step: StepMap, inverse: _Inverse, jacobians: list[Number]) -> Array:
    """Bound ``|I - C G'(X)|`` in every entry."""
    whole = step.whole(jacobians)
    eye = np.eye(len(inverse.product))
    slope = whole - eye
    assert isinstance(slope, Interval)
    product = _within(matrix_product(inverse.product, slope), inverse, slope)
    return magnitude(product - eye)


def _round(jacobians: list[Number]) -> Interval:
    """Enclose the Jacobian of the whole way round: J_L ... J_1."""
    around: Number = jacobians[0]
    for one in jacobians[1:]:
        around = one @ around
    assert isinstance(around, Interval)
    return around


def unstable_directions(matrix: Interval) -> int:
    """Count the eigenvalues outside the unit circle of every matrix in an interval; -1 if unproven.

    Shapes: matrix (state, state).
    """
    middle = matrix.middle
    if not np.isfinite(middle).all():
        return -1
    shake = np.random.default_rng(0).normal(size=middle.shape)
    size = max(float(np.abs(middle).max()), 1e-300)
    for share in SHAKEN:
        found = np.linalg.eig(middle + share * size * shake)
        values, vectors = (one.astype(np.complex128) for one in found)
        radii = _disc_radii(matrix, values, vectors)
        if radii is None:
            continue
        distance = np.abs(values)
        outside = distance * (1 - 8 * UNIT) - radii > 1
        inside = distance * (1 + 8 * UNIT) + radii < 1
        if bool((outside | inside).all()):
            return int(outside.sum())
    return -1


def _disc_radii(
    matrix: Interval, values: NDArray[np.complex128], vectors: NDArray[np.complex128]
) -> Array | None:
    """Give the radii of Gershgorin's discs of ``V^-1 A V`` about the values."""
    try:
        inverse = np.linalg.inv(vectors).astype(np.complex128)
    except np.linalg.LinAlgError:
        return None
    if not np.isfinite(inverse).all():
        return None
    eye = np.eye(len(values))
    # W = A V - V D and Y W, in real and imaginary parts
    parts = _Complex(matrix @ vectors.real.copy(), matrix @ vectors.imag.copy())
    scaled = _Complex.at(vectors).by_columns(values)
    rest = _Complex.at(inverse).times(parts.minus(scaled))
    # V^-1 = (I - E)^-1 Y with E = I - Y V, |E| <= a: what is added is a / (1 - a) of the largest
    error = _Complex.at(eye.astype(complex)).minus(_Complex.at(inverse).times(_Complex.at(vectors)))
    pad = 1.0 + 8.0 * (len(values) + 16) * UNIT
    share = float((error.size().sum(axis=1) * pad).max())
    if not share < 0.5:
        return None
    size = rest.size()
    more = share / (1.0 - share) * float(size.max(axis=0).sum())
    return (size.sum(axis=1) + more) * pad + TINY


class _Complex:
    """Complex matrices as two intervals."""

    def __init__(self, real: Interval, imag: Interval) -> None:
        self.real, self.imag = real, imag

    @classmethod
    def at(cls, matrix: NDArray[np.complex128]) -> _Complex:
        """Enclose one matrix."""
        return cls(Interval.at(matrix.real.copy()), Interval.at(matrix.imag.copy()))

    def times(self, other: _Complex) -> _Complex:
        a, b, c, d = self.real, self.imag, other.real, other.imag
        return _Complex(a @ c - b @ d, a @ d + b @ c)

    def by_columns(self, values: NDArray[np.complex128]) -> _Complex:
        """Multiply each column by a number."""
        x, y = values.real.copy(), values.imag.copy()
        return _Complex(self.real * x - self.imag * y, self.real * y + self.imag * x)

    def minus(self, other: _Complex) -> _Complex:
        return _Complex(self.real - other.real, self.imag - other.imag)

    def size(self) -> Array:
        """Bound each entry's size."""
        return np.nextafter(
            np.hypot(magnitude(self.real), magnitude(self.imag)) * (1 + 8 * UNIT), np.inf
        )
