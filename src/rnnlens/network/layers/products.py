"""Products of two values that the network computes, summed over axes: what attention is made of.

The equation is that of ``einsum`` with every axis by a letter, the sample axis first in each:

===============================  ==========================================================
operation                        equation
===============================  ==========================================================
``matmul(A, B)``, ``bmm(A, B)``  ``"aij,ajk->aik"``
scores ``Q K^T``                 ``"aqd,akd->aqk"``; with heads ``"ahqd,ahkd->ahqk"``
weights times values             ``"aqk,akd->aqd"``; with heads ``"ahqk,ahkd->ahqd"``
weights over steps               ``"at,atd->ad"``
Keras ``Dot(axes=(2, 2))``       ``"aij,akj->aik"``
===============================  ==========================================================

The softmax between is ``Activate(Activation("softmax", {"axis": -1}))``; a node that makes
weights of a softmax and hands them to an `Einsum`, or to a product and a sum, is shown by `trace`
as attention. With a fixed matrix use `Dense`. Additive attention is a `Dense` each, `Add` of
``ExpandDims`` of both, ``tanh``, a `Dense` (or a `Multiply` and ``Reduction("sum")``), `Squeeze`.
"""

from __future__ import annotations

from dataclasses import dataclass

from rnnlens.network.layers.base import Layer

__all__ = ["Einsum"]


@dataclass(frozen=True, eq=False)
class Einsum(Layer):
    """The product of two inputs, summed over the axes that the output lacks.

    Parameters
    ----------
    equation : str
        As in ``numpy.einsum``: a letter an axis, ``"aqd,akd->aqk"``; the first letter is the
        samples' in both inputs and in the output.
    """

    equation: str

    def __post_init__(self) -> None:
        left, right, out = self.terms
        several = any(len(set(one)) < len(one) for one in (left, right, out))
        sample = {one[:1] for one in (left, right, out)}
        if (
            several
            or len(sample) > 1
            or not (left + right).isascii()
            or not left.isalpha()
            or set(out) - set(left + right)
        ):
            raise ValueError(f"{self.equation!r} is no product of two values, sample by sample")

    @property
    def terms(self) -> tuple[str, str, str]:
        """The letters of both inputs and of the output."""
        inputs, out = self.equation.split("->")
        left, right = inputs.split(",")
        return left, right, out
