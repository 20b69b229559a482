"""What a scaler's file is made of, read inert, and how one is refused that is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rnnlens.errors import UnreadableFile
from rnnlens.pickles.inert import Global, Made, Pairs, shown

__all__ = ["Estimator", "Global", "Made", "Pairs", "Refused", "damaged", "shown"]


class Refused(UnreadableFile):
    """A file that is no scaler, before its name is known."""


def damaged(what: str) -> Refused:
    """Refuse what no library writes."""
    return Refused(f"{what}: it is damaged or hostile; write the scaler again")


@dataclass(frozen=True, eq=False)
class Estimator:
    """A class of scikit-learn by its name, and its fields; as inert, or those of a live object."""

    kind: str
    fields: Mapping[str, object]
