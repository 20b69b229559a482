"""What a chart is asked: the options of the verbs whose results charts draw, in one bundle."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Annotated

import typer

from rnnlens.cli.options.choices import WeightKind
from rnnlens.cli.options.dynamics import BifurcationOptions, MemoryOptions, ProbeOptions
from rnnlens.cli.options.evidence import CertifyOptions
from rnnlens.cli.options.forecast import ExplainOptions

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ChartedOptions"]

#: What every chart of windows takes: which forecast is asked about, on what it is computed.
ALWAYS = frozenset({"target", "horizon", "of", "device", "draw"})


@dataclass(frozen=True)
class ChartedOptions(
    ExplainOptions, BifurcationOptions, ProbeOptions, MemoryOptions, CertifyOptions
):
    """What a chart is asked: each takes the options of its own verb, and refuses others."""

    # of what every verb here may leave out, nothing is asked before a chart is named
    move: Annotated[
        str,
        typer.Option(
            help="For bifurcations: the feature that is moved, and where it begins and ends: "
            "temp=-10:40, or temp=-10:40:51 for 51 values.",
            show_default=False,
        ),
    ] = ""
    concept: Annotated[
        str,
        typer.Option(
            help="For probe: a column of the data, or FILE:COLUMN of another table, at each "
            "window's newest step; or an .npy file with one number a window.",
            show_default=False,
        ),
    ] = ""
    lag: Annotated[
        str,
        typer.Option(
            help="For certificates: the lags, each by itself: 5, or 1,2,5, or 1-12; all if left "
            "out.",
            show_default=False,
        ),
    ] = ""
    tolerance: Annotated[
        float | None,
        typer.Option(
            help="For certificates and memory: change of the forecast that does not matter, in its "
            "own unit.",
            show_default=False,
        ),
    ] = None
    budget: Annotated[
        str | None,
        typer.Option(
            help="For certificates: boxes that a question may take, or a time that all may take "
            "together, as '5 min'; '30 s' if left out.",
            show_default=False,
        ),
    ] = None
    layer: Annotated[
        str | None,
        typer.Option(help="One recurrent layer, where there are several.", show_default=False),
    ] = None
    kind: Annotated[
        WeightKind | None,
        typer.Option(
            help="For weights: input kernels (W, if left out), recurrent kernels (U), biases (b).",
            show_default=False,
        ),
    ] = None

    def others(self, takes: Iterable[str], *, windows: bool) -> list[str]:
        """Give the options that were typed and are neither among these nor for all of windows."""
        taken = set(takes) | (ALWAYS if windows else set())
        return [
            f"--{spec.name.replace('_', '-')}"
            for spec in fields(self)
            if spec.name not in taken
            and spec.default is not MISSING
            and getattr(self, spec.name) != spec.default
        ]
