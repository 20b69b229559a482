"""The rows of the table of support that are refused, in the format where each is at home."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from refused.registry import section
from rnnlens.api import read
from support_models import KERAS_REFUSED, MODULES_REFUSED

case = section("Rows of the table of support")

for name, make in KERAS_REFUSED.items():

    @case(f"{name} in Keras")
    def _(_: Path, make: Callable[[], Any] = make) -> object:
        return read(make())


for name, (module, given) in MODULES_REFUSED.items():

    @case(f"{name} in PyTorch")
    def _(_: Path, make: Callable[[], Any] = module, given: np.ndarray = given) -> object:
        return read(make(), example=given)
