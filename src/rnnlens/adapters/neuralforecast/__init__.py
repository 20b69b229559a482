"""Models of neuralforecast: LSTM, GRU and RNN, direct and recurrent."""

from rnnlens.adapters.neuralforecast.cutting import windows
from rnnlens.adapters.neuralforecast.reading import TAKES, WHAT, read
from rnnlens.adapters.neuralforecast.tables import to_native

__all__ = ["TAKES", "WHAT", "read", "to_native", "windows"]
