"""How a whole archive is explained: by whom, in what blocks, and how much of it now."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnnlens.bulk.blocks import Part
from rnnlens.bulk.options import Blocks, Runner
from rnnlens.cli.options.arguments import SUFFIXES, OutputOptions, checked_out, names_typed
from rnnlens.cli.options.choices import StoredAs

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ArchiveOptions", "ArchiveOutput", "DrawOptions"]

#: The suffix of a result of a whole archive.
ZARR = ".zarr"


#: One of several jobs, as it is typed.
JOB = re.compile(r"[1-9]\d*/[1-9]\d*")


def _job(typed: str | None) -> str | None:
    if typed is None or JOB.fullmatch(typed):
        return typed
    raise typer.BadParameter(f"{typed!r} is no job: give i/n, counted from 1, such as 3/64")


def _out(path: Path | None) -> Path | None:
    return checked_out(path, (*SUFFIXES, ZARR))


@dataclass(frozen=True)
class ArchiveOutput(OutputOptions):
    """Where the answer goes, which may be the result of a whole archive."""

    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the result to a file too: .csv, .json or .nc (netCDF); of a whole archive "
            "(Zarr, netCDF, Parquet) to .zarr, block by block, and go on where that ended.",
            callback=_out,
        ),
    ] = None

    @property
    def of_archive(self) -> bool:
        """Whether the result is to be that of a whole archive."""
        return self.out is not None and self.out.suffix.lower() == ZARR


@dataclass(frozen=True)
class DrawOptions:
    """How much of a whole archive is asked about, by verbs that do not go block by block."""

    draw: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Of an archive: windows that are drawn evenly from its stations and times; 2,000 "
            "if left out.",
            show_default=False,
        ),
    ] = None


@dataclass(frozen=True)
class ArchiveOptions:
    """How a whole archive is explained."""

    scheduler: Annotated[
        str | None,
        typer.Option(
            help="Of an archive: the Dask scheduler whose workers explain blocks, tcp://HOST:PORT, "
            "or the file that it wrote.",
            show_default=False,
        ),
    ] = None
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Of an archive: Dask workers that are started here."),
    ] = None
    job: Annotated[
        str | None,
        typer.Option(
            help="Of an archive: which of several jobs this is, i/n, that each explain a part of "
            "its blocks. --part i/n is the same where --part names no part of a model's file.",
            callback=_job,
            show_default=False,
        ),
    ] = None
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Of an archive: rows after which to end; the next run goes on."),
    ] = None
    by: Annotated[
        str | None,
        typer.Option(
            help="Of an archive: what its summary is grouped by: station, season, month, or a "
            "variable of stations, a,b."
        ),
    ] = None
    memory: Annotated[
        bool,
        typer.Option(
            "--memory",
            help="Of an archive: have its summary say how the forecast's derivative is spread over "
            "lags, which takes longer.",
        ),
    ] = False
    block: Annotated[
        int | None,
        typer.Option(min=1, help="Of an archive: windows of a block; chunks of 16 MB if left out."),
    ] = None
    store: Annotated[
        StoredAs | None, typer.Option(help="Of an archive: how contributions are stored.")
    ] = None
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Of an archive: say what it will take, and explain nothing."
        ),
    ] = False

    @property
    def typed(self) -> Sequence[str]:
        """The options that were typed, as they are typed."""
        named = {
            "--scheduler": self.scheduler,
            "--workers": self.workers,
            "--job": self.job,
            "--limit": self.limit,
            "--by": self.by,
            "--memory": self.memory or None,
            "--block": self.block,
            "--store": self.store,
            "--dry-run": self.dry_run or None,
        }
        return [name for name, value in named.items() if value is not None]

    def jobs_and_part(self, part: str | None) -> tuple[str | None, str | None]:
        """Tell which job this is, and which part of a file is meant, from --job and --part."""
        if self.job is None and JOB.fullmatch(part or ""):
            return part, None
        return self.job, part

    def runner(self, job: str | None) -> Runner:
        """Who explains the blocks; the job is i/n, as it was typed."""
        number, of = (int(one) for one in (job or "1/1").split("/"))
        return Runner(scheduler=self.scheduler, workers=self.workers, part=Part(number, of))

    @property
    def blocks(self) -> Blocks:
        """How the archive is cut and written."""
        usual = Blocks()
        return Blocks(
            windows=self.block,
            dtype=self.store or usual.dtype,
            by=tuple(names_typed(self.by) or ()),
            memory=self.memory,
        )
