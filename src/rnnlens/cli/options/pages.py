"""The file that a page is written to, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from rnnlens.cli.options.arguments import Language

__all__ = ["PageOptions"]


@dataclass(frozen=True)
class PageOptions:
    """A page: where it goes, what it compares with, and its language."""

    out: Annotated[
        Path, typer.Option(help="The file to write: .html, or .pdf for paper.", show_default=True)
    ] = Path("rnnlens-report.html")
    check: Annotated[
        bool,
        typer.Option(help="Run the source model too, where its library is installed, and compare."),
    ] = True
    language: Language = None
    open: Annotated[bool, typer.Option("--open", help="Open the written page in the browser.")] = (
        False
    )
