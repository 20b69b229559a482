"""Run folders of NeuralHydrology: files alone are read, and its library is not needed."""

from rnnlens.adapters.neuralhydrology.cutting import windows
from rnnlens.adapters.neuralhydrology.network import TAKES, WHAT, read
from rnnlens.adapters.neuralhydrology.tables import to_native

__all__ = ["TAKES", "WHAT", "read", "to_native", "windows"]
