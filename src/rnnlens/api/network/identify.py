"""Naming arrays that nobody named, with its proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rnnlens.api.shared.given.arguments import checked
from rnnlens.arguments import either, many, mapping, numbers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from rnnlens.checks.mapping import Identification

__all__ = ["identify"]

_ARRAY = numbers(allowed="any")
_ARRAYS = either(
    mapping(_ARRAY, "a mapping"),
    many(_ARRAY, "a sequence"),
    what="a sequence of arrays, or a mapping of name to array",
)


@checked(arrays=_ARRAYS, X=_ARRAY, Y=_ARRAY)
def identify(
    arrays: Sequence[ArrayLike] | Mapping[str, ArrayLike],
    X: ArrayLike,
    Y: ArrayLike,
) -> Identification:
    r"""Find which gate each block of unnamed arrays belongs to, by running every order.

    Parameters
    ----------
    arrays : sequence or mapping of str to array
        Of one LSTM, GRU or SimpleRNN, in the order in which they came: three, four or twelve of
        an LSTM, say; with the arrays of a linear layer after it or without.
    X : array (sample, step, feature)
        Inputs.
    Y : array (sample, unit or target), or (sample, step, unit or target)
        What the network gave for them.

    Returns
    -------
    Identification
        The order of the gates, the convention, the error and the runner-up's, and the network.
        Printed, it is a table of which block of which array is what.

    Raises
    ------
    DataError
        If X or Y does not have these axes or holds NaN.
    InputError
        If the arrays are those of no cell, if no order gives Y, or if several do.

    Examples
    --------
    >>> import numpy as np
    >>> import rnnlens
    >>> rng = np.random.default_rng(0)
    >>> kernel, recurrent, bias = (rng.normal(size=s) for s in ((3, 8), (2, 8), (8,)))
    >>> X, h, c = rng.normal(size=(5, 4, 3)), 0.0, 0.0
    >>> for t in range(4):  # gates in the order output, input, forget, cell
    ...     a = X[:, t] @ kernel + (h @ recurrent if t else 0.0) + bias
    ...     o, i, f = (1 / (1 + np.exp(-a[:, k : k + 2])) for k in (0, 2, 4))
    ...     c = f * c + i * np.tanh(a[:, 6:])
    ...     h = o * np.tanh(c)
    >>> found = rnnlens.identify([kernel, recurrent, bias], X, h)
    >>> found.order
    ('output', 'input', 'forget', 'cell')
    >>> print("\n".join(str(found).splitlines()[1:4]))
    array 0, columns 2:4 = lstm.W_i  input kernel, input gate
    array 0, columns 4:6 = lstm.W_f  input kernel, forget gate
    array 0, columns 6:8 = lstm.W_c  input kernel, cell gate
    """
    from rnnlens.checks.mapping import identify as find

    return find(arrays, X, Y)
