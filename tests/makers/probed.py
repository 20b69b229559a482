"""A probe's result, made up, of one state."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

__all__ = ["CONTROLS", "found"]

CONTROLS = ["untrained", "recent inputs", "shifted concept"]


def found(**changed: Any) -> xr.DataTree:
    """A result of one state, well read and used, but for what is changed."""
    values = {
        "r2": 0.9, "selectivity": 0.2, "selectivity_low": 0.1, "selectivity_high": 0.3,
        "p_value": 0.01, "erased_change": 2.0, "patched_change": 3.0, "erased_p_value": 0.025,
        "per_concept": 0.5,
    } | {key: value for key, value in changed.items() if key != "pushed_change"}  # fmt: skip
    node = xr.Dataset(
        {
            **{name: ((), value) for name, value in values.items()},
            "control_r2": ("control", [0.7, 0.4, -0.1]),
            "pushed_change": ("direction", np.array(changed.get("pushed_change", [0.5, 1.0, 1.5]))),
        },
        coords={"control": CONTROLS},
        attrs={"layer": "lstm", "state": "cell", "target": "flow", "unit": "mm"},
    )
    units = xr.Dataset(
        {"inflow": ("unit", [0.1, 0.2]), "residence_time": ("unit", [4.0, 12.0])},
        attrs={"layer": "lstm"},
    )
    root = xr.Dataset(attrs={"samples": 1200, "step": "1d", "target": "flow"})
    return xr.DataTree.from_dict({"/": root, "lstm/units": units, "lstm/cell": node})
