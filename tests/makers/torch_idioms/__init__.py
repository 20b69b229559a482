"""Idioms of PyTorch around recurrent layers, each a small module with its windows."""

from torch_idioms import entries, heads, loops, machinery, structures, transforms
from torch_idioms.registry import IDIOMS, STEPS, Idiom, Several

__all__ = [
    "IDIOMS",
    "STEPS",
    "Idiom",
    "Several",
    "entries",
    "heads",
    "loops",
    "machinery",
    "structures",
    "transforms",
]
