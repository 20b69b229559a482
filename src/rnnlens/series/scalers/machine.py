"""What a scaler's pickle may hold: the rules by which its instructions are read.

A name that no scaler needs is refused where it stands. What joblib adds to a pickle is that the
numbers of an array follow, as they lie in memory, the instruction that sets the state of a
``NumpyArrayWrapper``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import IO

from rnnlens.pickles.machine import Rules
from rnnlens.series.scalers.arrays import read_joblib_array
from rnnlens.series.scalers.inert import Made, Refused, damaged
from rnnlens.series.scalers.names import WRAPPER, admitted

__all__ = ["RULES"]

#: Instructions at most. A scaler of ten thousand named columns has some sixty thousand.
MOST_INSTRUCTIONS = 500_000


def _built(made: Made, file: IO[bytes], nested: Callable[[], object]) -> object:
    """Read the array behind a wrapper of joblib; other objects stay as they are."""
    if made.maker == WRAPPER or WRAPPER in made.arguments:
        return read_joblib_array(made, file, nested)
    return made


RULES = Rules(admitted, Refused, damaged, MOST_INSTRUCTIONS, built=_built)
