"""Which data a page is about: the files they came from, and a hash of the windows themselves."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.series.joint.windows import WindowsByInput
from rnnlens.series.windows import Windows

if TYPE_CHECKING:
    from rnnlens.api.shared.given.case import Case

__all__ = ["data_rows"]


def data_rows(case: Case, data: object) -> tuple[tuple[str, str], ...]:
    """Name the data: (what, value), the hash of the windows over their numbers as float64."""
    from rnnlens.views.words.language import say

    known = data.first if isinstance(data, WindowsByInput) else data
    rows = []
    for name, digest in known.files if isinstance(known, Windows) else ():
        rows.append((say("Data"), name))
        if digest:
            rows.append((say("SHA-256 of {name}", name=name), digest))
    whole = hashlib.sha256()
    for name in sorted(case.inputs):
        whole.update(np.ascontiguousarray(case.inputs[name], dtype="<f8").data)
    rows.append((say("SHA-256 of the windows' numbers"), whole.hexdigest()))
    return tuple(rows)
