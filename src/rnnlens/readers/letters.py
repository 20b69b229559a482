"""The letters of the axes of a product: equations of ``einsum``, and those of ``matmul``."""

from __future__ import annotations

import string
from collections.abc import Sequence

__all__ = ["canonical", "equation_terms", "matmul_terms"]


def equation_terms(equation: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """Give a letter an axis to every operand and to the output, dots written out.

    Examples
    --------
    >>> equation_terms("...ij,...jk->...ik", (3, 2))
    (['Aij', 'jk'], 'Aik')
    >>> equation_terms("bi,oi", (2, 2))
    (['bi', 'oi'], 'bo')
    """
    left, arrow, out = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    free = [c for c in string.ascii_uppercase if c not in equation]
    counts = [rank - len(t.replace("...", "")) for t, rank in zip(terms, ranks, strict=True)]
    most = max(counts)
    dots = "".join(free[:most])
    full = [
        term.replace("...", dots[most - count :] if count else "")
        for term, count in zip(terms, counts, strict=True)
    ]
    if arrow:
        return full, out.replace("...", dots)
    letters = "".join(full)
    once = sorted(c for c in set(letters) if letters.count(c) == 1 and c not in dots)
    return full, dots + "".join(once)


def matmul_terms(left: int, right: int) -> tuple[str, str, str]:
    """Give the letters of both sides and of the result of a product of matrices, by their ranks.

    Examples
    --------
    >>> matmul_terms(3, 2)
    ('axy', 'yz', 'axz')
    """
    many = string.ascii_lowercase[: max(left, right, 2) - 2]
    of_left, of_right, ends = "y", "y", ""
    if left > 1:
        of_left, ends = many[len(many) - (left - 2) :] + "xy", "x"
    if right > 1:
        of_right, ends = many[len(many) - (right - 2) :] + "yz", ends + "z"
    return of_left, of_right, many + ends


def canonical(letters: str, batch: int) -> str:
    """Put the letter of the samples first.

    Examples
    --------
    >>> canonical("tbf", 1)
    'btf'
    """
    return letters[batch] + letters[:batch] + letters[batch + 1 :]
