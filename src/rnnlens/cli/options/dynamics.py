"""How memory is measured; which input is held while a network settles; what states may hold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnnlens.cli.options.archives import DrawOptions
from rnnlens.cli.options.forecast import CheckOptions

if TYPE_CHECKING:
    from rnnlens.series.sidecar import Sidecar

__all__ = [
    "BifurcationOptions",
    "FixedPointOptions",
    "MemoryOptions",
    "ProbeOptions",
    "concept_given",
    "move_typed",
]

#: Values along a range, where none are counted.
VALUES = 21


@dataclass(frozen=True)
class MemoryOptions(CheckOptions, DrawOptions):
    """Which forecast is looked at, and how its memory is measured."""

    tolerance: Annotated[
        float | None,
        typer.Option(
            help="Change of the forecast that does not matter, in its own unit; a twentieth of the "
            "forecasts' standard deviation if left out.",
            show_default=False,
        ),
    ] = None
    histories: Annotated[
        int, typer.Option(min=1, help="Windows that stand in for what is older.")
    ] = 64
    alpha: Annotated[
        float, typer.Option(help="One minus the confidence of intervals and of the bound.")
    ] = 0.05
    block: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Neighbouring windows that make one block; found from the data if left out.",
            show_default=False,
        ),
    ] = None


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

    def asked(self, sidecar: Sidecar) -> dict[str, Any]:
        """Give what both verbs take."""
        return {
            "at": self.held_at,
            "order": self.order,
            "period": self.period,
            "layer": self.layer,
            "target": self.target_of(sidecar),
            "of": self.inputs,
        }

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


def move_typed(text: str | None) -> str | None:
    """Refuse a range that is none."""
    takes = (
        "a feature, and where it begins and ends, rising: temp=-10:40, or temp=-10:40:51 for 51 "
        "values, of 2 to 1000"
    )
    if text == "":
        raise typer.BadParameter(f"say what is moved: --move takes {takes}")
    if text is not None and _moved(text) is None:
        raise typer.BadParameter(f"--move takes {takes}; not {text}")
    return text


def _moved(text: str) -> tuple[str, list[float]] | None:
    """Read a range as it is typed: a feature with its values, None where it is none."""
    name, _, typed = text.partition("=")
    ends = typed.split(":")
    try:
        low, high, count = float(ends[0]), float(ends[1]), int(ends[2]) if ends[2:] else VALUES
    except (ValueError, IndexError):
        return None
    if not name.strip() or len(ends) > 3 or not low < high < float("inf") or not 2 <= count <= 1000:
        return None
    gap = (high - low) / (count - 1)
    return name.strip(), [*(low + k * gap for k in range(count - 1)), high]


@dataclass(frozen=True)
class BifurcationOptions(FixedPointOptions):
    """Which input is moved, where the others are held, and what is looked for."""

    move: Annotated[
        str,
        typer.Option(
            callback=move_typed,
            help="The feature that is moved, and where it begins and ends: temp=-10:40, or "
            "temp=-10:40:51 for 51 values.",
            show_default=False,
        ),
    ] = ""

    @property
    def moved(self) -> tuple[str, list[float]]:
        """The feature with its values."""
        return _moved(self.move) or ("", [])


def concept_given(text: str | None) -> str:
    """Refuse where no concept was typed."""
    if not (text or "").strip():
        raise typer.BadParameter(
            "--concept takes a column of the data, FILE:COLUMN, or an .npy file with one number a "
            "window"
        )
    return str(text).strip()


@dataclass(frozen=True)
class ProbeOptions(CheckOptions):
    """What is looked for in which states, and beside which controls."""

    concept: Annotated[
        str,
        typer.Option(
            callback=concept_given,
            help="What is looked for: a column of the data, or FILE:COLUMN of another table, at "
            "each window's newest step; or an .npy file with one number a window.",
            show_default=False,
        ),
    ] = ""
    every_step: Annotated[
        bool,
        typer.Option("--every-step", help="Look for it after every step of a window."),
    ] = False
    layer: Annotated[str | None, typer.Option(help="One recurrent layer alone.")] = None
    state: Annotated[str | None, typer.Option(help="One state alone: hidden or cell.")] = None
    untrained: Annotated[
        list[Path] | None,
        typer.Option(
            help="The network before training, or others of its shape; may be given several "
            "times. Weights are drawn as its library draws them if left out.",
            show_default=False,
        ),
    ] = None
    blocks: Annotated[int, typer.Option(min=3, help="Blocks of time.")] = 5
    gap: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Steps left out on either side of a block; those of a window if left out.",
            show_default=False,
        ),
    ] = None
    draws: Annotated[
        int, typer.Option(min=1, help="Untrained networks, and random smooth targets.")
    ] = 5
    shifts: Annotated[int, typer.Option(min=1, help="Times the concept is moved in time.")] = 99

    def asked(self, sidecar: Sidecar) -> dict[str, Any]:
        """Give what the verb takes beside the concept."""
        return {
            "layer": self.layer,
            "state": self.state,
            "target": self.target_of(sidecar),
            "of": self.inputs,
            "untrained": self.untrained or None,
            "blocks": self.blocks,
            "gap": self.gap,
            "draws": self.draws,
            "shifts": self.shifts,
        }
