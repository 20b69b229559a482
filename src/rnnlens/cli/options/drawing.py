"""How a chart is drawn, and where it goes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from rnnlens.cli.options.arguments import Language

__all__ = ["DrawingOptions"]


@dataclass(frozen=True)
class DrawingOptions:
    """How a chart is drawn, and where it goes."""

    out: Annotated[
        Path | None,
        typer.Option(
            help="The file to write: .pdf, .svg, .png, .html or .json; by default the chart's name "
            "as a PDF.",
            show_default=False,
        ),
    ] = None
    sample: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="One window among them, counted from 0, for charts that draw one.",
            show_default=False,
        ),
    ] = None
    width: Annotated[
        float | None,
        typer.Option(
            help="Width of the whole figure in millimetres, with type for print; by default a "
            "figure for the screen.",
            show_default=False,
        ),
    ] = None
    font: Annotated[
        str | None, typer.Option(help="The typeface, by its name.", show_default=False)
    ] = None
    language: Language = None
