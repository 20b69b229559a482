"""Which windows are cut from a series."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from rnnlens.cli.options.arguments import names_typed

__all__ = ["SeriesOptions"]


@dataclass(frozen=True)
class SeriesOptions:
    """How windows are cut from the series."""

    config: Annotated[
        Path | None,
        typer.Option(
            help="The sidecar, a TOML file that names features, units and scaling; by default the "
            "one beside the model that has its name.",
            show_default=False,
        ),
    ] = None
    features: Annotated[
        str | None,
        typer.Option(help="Columns that the network takes, in its order: a,b,c."),
    ] = None
    targets: Annotated[
        str | None,
        typer.Option(help="What the network gives, in its order: a,b; columns, where there are."),
    ] = None
    window: Annotated[int | None, typer.Option(help="Steps that the network takes.")] = None
    lead: Annotated[
        int | None, typer.Option(help="Steps from the newest one taken to the one forecast.")
    ] = None
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Time (or row) of the first forecast; for lags and report where training ended, "
            "if the sidecar says so.",
            show_default=False,
        ),
    ] = None
    end: Annotated[
        str | None, typer.Option("--to", help="Time (or row) that all forecasts lie before.")
    ] = None
    last: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Only the newest N windows; for trace and explain 1, unless --from or --to is "
            "given.",
            show_default=False,
        ),
    ] = None

    @property
    def placed(self) -> list[str]:
        """The options that say which windows are taken, of those typed."""
        typed = {"--from": self.start, "--to": self.end, "--last": self.last}
        return [name for name, value in typed.items() if value is not None]

    @property
    def target_names(self) -> list[str] | None:
        """The targets named, or None."""
        return names_typed(self.targets)

    @property
    def feature_names(self) -> list[str] | None:
        """The columns named, or None."""
        return names_typed(self.features)
