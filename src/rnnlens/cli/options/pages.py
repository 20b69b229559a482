"""The file that a page is written to, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from rnnlens.cli.options.arguments import Language
from rnnlens.cli.options.evidence import BoxBudget, Range, Tolerance, certificates_typed
from rnnlens.errors import InputError
from rnnlens.evidence.options import Certificates

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
    lags: Annotated[
        bool,
        typer.Option(
            "--lags",
            help="Test and certify the lags too, as rnnlens lags does, and show the evidence on "
            "each.",
        ),
    ] = False
    margin: Annotated[
        float | None,
        typer.Option(
            help="With --lags: change of the mean error that does not matter; 1 % of it if left "
            "out.",
            show_default=False,
        ),
    ] = None
    range: Range = None
    tolerance: Tolerance = None
    budget: BoxBudget = None
    language: Language = None
    open: Annotated[bool, typer.Option("--open", help="Open the written page in the browser.")] = (
        False
    )

    def certificates(self) -> Certificates:
        """Give what is asked of certificates of the lags."""
        return certificates_typed(self.range, self.tolerance, self.budget)

    def check_lags(self) -> None:
        """Refuse what is about evidence where none was asked for."""
        of_lags = {"--margin": self.margin, "--range": self.range, "--tolerance": self.tolerance,
                   "--budget": self.budget}  # fmt: skip
        typed = [name for name, value in of_lags.items() if value is not None]
        if typed and not self.lags:
            raise InputError(
                f"{', '.join(typed)} is about the evidence on each lag, which was not asked for: "
                "add --lags, or leave it out"
            )
