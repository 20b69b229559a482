"""What input is held while a network settles, and for how long it comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from rnnlens.cli.options.forecast import CheckOptions

__all__ = ["FixedPointOptions"]


@dataclass(frozen=True)
class FixedPointOptions(CheckOptions):
    """Which input is held, and what is looked for."""

    at: Annotated[
        str,
        typer.Option(
            help="The input that is held: mean; a window's newest step by the window's number "
            "(-1 for the last); or features at values in their own units, the others at their "
            "mean: temp=31,wind=5."
        ),
    ] = "mean"
    order: Annotated[
        int, typer.Option(min=1, help="Look for cycles of this many periods; 1 for points.")
    ] = 1
    period: Annotated[
        int, typer.Option(min=1, help="Steps after which the input comes back: 24 for a day.")
    ] = 1
    layer: Annotated[str | None, typer.Option(help="One recurrent layer alone.")] = None

    @property
    def held_at(self) -> str | int | dict[str, float]:
        """What was typed, as the verb takes it."""
        text = self.at.strip()
        if "=" in text:
            pairs = [part.partition("=") for part in text.split(",") if part.strip()]
            try:
                return {name.strip(): float(value) for name, _, value in pairs}
            except ValueError:
                raise typer.BadParameter(
                    f"--at takes mean, a window's number, or temp=31,wind=5; not {self.at}"
                ) from None
        return int(text) if text.lstrip("-").isdigit() else text
