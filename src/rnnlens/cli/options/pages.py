"""What may be typed about the page that is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["PageOptions"]


@dataclass(frozen=True)
class PageOptions:
    """Where the page goes, and what is done besides."""

    out: Annotated[
        Path, typer.Option(help="The file to write: .html, or .pdf for paper.", show_default=True)
    ] = Path("rnnlens-report.html")
    check: Annotated[
        bool,
        typer.Option(help="Run the source model too, where its library is installed, and compare."),
    ] = True
    open: Annotated[bool, typer.Option("--open", help="Open the written page in the browser.")] = (
        False
    )
