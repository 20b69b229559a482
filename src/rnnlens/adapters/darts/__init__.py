"""Models of darts: `BlockRNNModel` and `RNNModel`."""

from rnnlens.adapters.darts.cutting import windows
from rnnlens.adapters.darts.reading import TAKES, WHAT, read
from rnnlens.adapters.darts.tables import to_native

__all__ = ["TAKES", "WHAT", "read", "to_native", "windows"]
