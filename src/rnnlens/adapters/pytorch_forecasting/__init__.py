"""Models of pytorch-forecasting: `RecurrentNetwork`, of LSTM and of GRU cells."""

from rnnlens.adapters.pytorch_forecasting.cutting import windows
from rnnlens.adapters.pytorch_forecasting.reading import TAKES, WHAT, read
from rnnlens.adapters.pytorch_forecasting.tables import to_native

__all__ = ["TAKES", "WHAT", "read", "to_native", "windows"]
