"""What shows that a network was read right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["ShownOptions"]


@dataclass(frozen=True)
class ShownOptions:
    """Outputs that the model itself gave."""

    outputs: Annotated[
        Path | None,
        typer.Option(
            help="An .npz file of windows, X, and of what the model itself gave for them, outputs: "
            "where the network gives the same, what was assumed of it is shown.",
            show_default=False,
        ),
    ] = None
