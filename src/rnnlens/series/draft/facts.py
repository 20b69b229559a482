"""What a draft is made from, and what it is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from rnnlens.names import told
from rnnlens.series.scalers.lines import Columns
from rnnlens.series.variable import Variable

__all__ = ["Asked", "Chosen", "Facts", "Notes", "Run"]

#: Runs the network: windows (sample, step, feature) in its units -> (sample, target).
Run = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class Facts:
    """What the network says of itself.

    Parameters
    ----------
    features, targets : int
        How many it takes, and gives.
    window : int, optional
        Steps that it takes, where it takes a number of its own.
    scales_itself : bool
        Whether it scales its inputs, with a layer of its own.
    """

    features: int
    targets: int
    window: int | None
    scales_itself: bool = False


@dataclass(frozen=True)
class Asked:
    """What the user says.

    Parameters
    ----------
    scaler, target_scaler : Columns, optional
        What fitted scalers do.
    features, targets : tuple of str, optional
        Columns, in the network's order.
    window, lead : int, optional
        As in the sidecar.
    """

    scaler: Columns | None = None
    target_scaler: Columns | None = None
    features: tuple[str, ...] | None = None
    targets: tuple[str, ...] | None = None
    window: int | None = None
    lead: int | None = None


@dataclass
class Notes:
    """What is told of a draft: sentences, and a comment at each line that a person must check.

    Comments are by the table of the file (``""``, ``"features"``, ``"targets"``) and the key.
    """

    said: list[str] = field(default_factory=list)
    comments: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def say(self, sentence: str, *, sure: bool) -> None:
        """Add a sentence, and how sure it is."""
        self.said.append(
            told("{sentence} (sure)", sentence=sentence)
            if sure
            else told("{sentence} (a guess: check it)", sentence=sentence)
        )

    def comment(self, table: str, key: str, text: str) -> None:
        """Add what is to be checked at a line."""
        self.comments.setdefault((table, key), []).append(text)


@dataclass(frozen=True)
class Chosen:
    """The variables of a table that a network takes.

    Parameters
    ----------
    variables : tuple of Variable
        In the network's order.
    scaled : bool
        Whether their scaling is known, and not to be guessed.
    share : float
        The share of rows, from the first, that the scaling was fitted on.
    """

    variables: tuple[Variable, ...]
    scaled: bool
    share: float = 1.0

    def with_variables(self, variables: tuple[Variable, ...]) -> Chosen:
        """Give the same with other variables."""
        return replace(self, variables=variables)
