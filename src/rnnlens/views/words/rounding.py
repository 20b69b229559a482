"""Writing bounds so that none is printed too small, nor what was reached too large."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

__all__ = ["rounded_down", "rounded_up"]


def rounded_up(bound: float, digits: int = 3) -> str:
    """Write a bound, rounded up.

    Examples
    --------
    >>> rounded_up(0.12341), rounded_up(2.0), rounded_up(0.0), rounded_up(1.00000001e-05)
    ('0.124', '2', '0', '0.0000101')
    """
    return _rounded(bound, digits, ROUND_CEILING)


def rounded_down(attained: float, digits: int = 3) -> str:
    """Write a change that was attained, rounded down.

    Examples
    --------
    >>> rounded_down(0.12349), rounded_down(2.0), rounded_down(0.0)
    ('0.123', '2', '0')
    """
    return _rounded(attained, digits, ROUND_FLOOR)


def _rounded(value: float, digits: int, how: str) -> str:
    rounded = Context(prec=digits, rounding=how).plus(Decimal(float(value)))
    return f"{rounded.normalize():f}" if rounded else "0"
