"""Writing bounds: a number that nothing exceeds is never printed too small."""

from __future__ import annotations

from decimal import ROUND_CEILING, Context, Decimal

__all__ = ["upward"]


def upward(bound: float, digits: int = 3) -> str:
    """Write a bound, rounded up.

    Parameters
    ----------
    bound : float
        Zero or above.
    digits : int
        Figures that are shown.

    Returns
    -------
    str
        A number that is not below the bound.

    Examples
    --------
    >>> upward(0.12341), upward(2.0), upward(0.0), upward(1.00000001e-05)
    ('0.124', '2', '0', '0.0000101')
    """
    rounded = Context(prec=digits, rounding=ROUND_CEILING).plus(Decimal(float(bound)))
    return f"{rounded.normalize():f}" if rounded else "0"
