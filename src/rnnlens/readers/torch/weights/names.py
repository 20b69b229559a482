"""What PyTorch calls the arrays of recurrent layers, plain, parametrised or packed."""

from __future__ import annotations

import re

__all__ = ["CELL_ARRAY", "is_recurrent"]

#: The name of one array of a recurrent module: ``encoder.rnn.weight_hh_l1_reverse``; a Cell's
#: arrays have no ``_l1``.
CELL_ARRAY = re.compile(
    r"(?:(?P<module>.+)\.)?(?P<role>weight_ih|weight_hh|weight_hr|bias_ih|bias_hh)"
    r"(?:_l(?P<layer>\d{1,4})(?P<reverse>_reverse)?)?"
)
#: The same, where something is put around the array: weight_norm, spectral_norm, parametrizations,
#: and the packed arrays of layers of whole numbers.
_AROUND = re.compile(
    r"(?:.+\.)?(?:(?:parametrizations\.)?weight_[ih]h(?:_l\d{1,4}(?:_reverse)?)?"
    r"(?:_g|_v|_orig|\.original[01]?)"
    r"|(?:weight|bias)_[ih]h_p\d{1,5}|_all_weight_values\.\d{1,5}\.param|_packed_weight_[ih]h)"
)


def is_recurrent(name: str) -> bool:
    """Tell an array of a recurrent layer by its name.

    Examples
    --------
    >>> [is_recurrent(name) for name in ("rnn.weight_ih_l0", "rnn.weight_hh_l0_g", "fc.weight")]
    [True, True, False]
    """
    return bool(CELL_ARRAY.fullmatch(name) or _AROUND.fullmatch(name))
