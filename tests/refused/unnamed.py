"""Arrays without names that are those of no recurrent layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import rnnlens
from refused.registry import section

case = section("Arrays without names")


@case("none")
def _(_: Path) -> object:
    return rnnlens.weights([])


@case("no cell")
def _(_: Path) -> object:
    return rnnlens.weights([np.ones((3, 7)), np.ones((2, 2))])


@case("four axes")
def _(_: Path) -> object:
    return rnnlens.weights([np.ones((2, 3, 4, 5))])
