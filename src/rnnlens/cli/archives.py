"""Whole archives on the command line: what is asked of them, and how far it has come."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rnnlens.cli.inputs import network_from, sidecar_for
from rnnlens.cli.output import as_json, duration, note
from rnnlens.errors import ConfigError, DataError, InputError
from rnnlens.names import told

if TYPE_CHECKING:
    from rnnlens.cli.options.archives import ArchiveOptions, ArchiveOutput
    from rnnlens.cli.options.forecast import BudgetOptions
    from rnnlens.cli.options.reading import ReadingOptions
    from rnnlens.cli.options.series import SeriesOptions
    from rnnlens.cli.options.shown import ShownOptions
    from rnnlens.network.network import Network
    from rnnlens.series.sidecar import Sidecar

__all__ = ["explain_whole", "require_archive", "require_described", "tell"]

#: Seconds between lines that say how far it has come, where nobody watches a terminal.
APART = 60.0


def require_archive(data: Sequence[Path], archives: ArchiveOptions, output: ArchiveOutput) -> None:
    """Refuse options of archives without one, and an archive without a place for its result."""
    from rnnlens.bulk.sources.open import is_archive

    if output.of_archive:
        if len(data) != 1:
            raise DataError(
                f"a result in .zarr is of one archive, and {len(data)} files were given: join them "
                "first, or write .nc"
            )
        return
    if archives.typed:
        raise InputError(
            f"{', '.join(archives.typed)} is about a whole archive: give --out with a name that "
            "ends in .zarr too, or leave it out"
        )
    for path in data:
        if path.exists() and is_archive(path):
            raise DataError(
                f"{path} is an archive, which is explained block by block: give --out with a name "
                "that ends in .zarr, where the result goes"
            )


def explain_whole(
    asked: tuple[Path, Sequence[Path]],
    read_as: tuple[ReadingOptions, ShownOptions],
    series: SeriesOptions,
    options: BudgetOptions,
    archives: ArchiveOptions,
    output: ArchiveOutput,
) -> None:
    """Explain an archive, or go on with it, and say what was done."""
    from rnnlens.api.shared.archives.expecting import expected_archive
    from rnnlens.api.shared.archives.planning import ArchiveQuestion, planned
    from rnnlens.api.shared.archives.running import ran
    from rnnlens.attribution.options import Effort

    (model, data), (reading, shown), out = asked, read_as, output.out
    assert out is not None, "a result of an archive has its place"
    job, part = archives.jobs_and_part(reading.part)
    network = network_from(model, replace(reading, part=part), shown)
    sidecar = _sidecar(model, network, series, options)
    method = options.method_of(sidecar) or "secant"
    plan = planned(
        ArchiveQuestion(
            net=network,
            archive=data[0],
            sidecar=sidecar,
            target=options.target_of(sidecar),
            method=method,
            baseline=options.baseline_of(sidecar, method),
            held=options.held_names,
            effort=Effort(),
            blocks=archives.blocks,
        ),
        out,
    )
    runner = archives.runner(job)
    if archives.dry_run:
        tell(expected_archive(plan, runner).facts, json=output.json)
        return
    with _watched(told("explaining {what}", what=data[0].name)) as progress:
        done = ran(plan, out, runner, archives.limit, progress)
    facts = {
        "out": str(out),
        told("windows"): done.windows,
        told("rows without a window"): done.missing,
        told("blocks"): done.blocks,
        told("blocks done before"): done.before,
        told("blocks left"): done.left,
    }
    tell(facts, json=output.json)


def _sidecar(
    model: Path, network: Network, series: SeriesOptions, options: BudgetOptions
) -> Sidecar:
    """Find what the archive's variables mean, which is never guessed."""
    refused = [
        *series.placed,
        *(["--newest"] if options.newest is not None else []),
        *(["--of"] if options.of is not None else []),
        *(["--budget"] if options.budget is not None else []),
    ]
    if refused:
        raise InputError(
            f"{', '.join(refused)} does not go with a result in .zarr, for an archive is explained "
            "whole: leave it out"
        )
    require_described(model, series)
    return sidecar_for(model, network, series)


def require_described(model: Path, series: SeriesOptions) -> None:
    """Refuse an archive of whose variables nothing is said."""
    beside = series.config is None and not model.with_suffix(".toml").is_file()
    if beside and (series.feature_names is None or series.window is None):
        raise ConfigError(
            f"nothing says what the variables of an archive mean: write {model.stem}.toml beside "
            "the model, or name it with --config, or give --features and --window"
        )


def tell(facts: Mapping[str, object], *, json: bool) -> None:
    """Print facts by name, as JSON where that was asked for."""
    if json:
        typer.echo(as_json(facts, indent=1))
        return
    from rich.cells import cell_len

    from rnnlens.views.words.origin import fact_text

    named = {fact_text(name): value for name, value in facts.items()}
    width = max(map(cell_len, named))
    for name, value in named.items():
        shown = f"{value:,}" if isinstance(value, int) else fact_text(value)
        typer.echo(f"{name}{' ' * (width - cell_len(name))}  {shown}")


@contextmanager
def _watched(text: str) -> Generator[Callable[[int, int], None]]:
    """Say on stderr how far it has come, how fast, and how long it will take yet."""
    began = time.monotonic()
    if not sys.stderr.isatty():
        last = began

        def line(done: int, rows: int) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= APART:
                last = now
                note(far(done, rows, now - began))

        yield line
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[far]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(text, total=None, far="")
        yield lambda done, rows: bar.update(
            task, completed=done, total=rows, far=far(done, rows, time.monotonic() - began)
        )


def far(done: int, rows: int, seconds: float) -> str:
    """Say how far work has come, at what rate, and how long it will take yet.

    Examples
    --------
    >>> far(250_000, 1_000_000, 10.0)
    '250,000 of 1,000,000 rows, 25,000 a second, 30 s left'
    """
    rate = done / max(seconds, 1e-9)
    if not rate:
        return told(
            "{done:,} of {rows:,} rows, {rate:,.0f} a second, no telling how long left",
            done=done,
            rows=rows,
            rate=rate,
        )
    return told(
        "{done:,} of {rows:,} rows, {rate:,.0f} a second, {left} left",
        done=done,
        rows=rows,
        rate=rate,
        left=duration((rows - done) / rate),
    )
