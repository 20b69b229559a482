"""The verbs about the result of a whole archive: how far it is, and whether it is sound."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rnnlens.cli.archives import tell
from rnnlens.cli.options.arguments import Language, OnlyJson
from rnnlens.cli.output import as_json, duration, sentence
from rnnlens.names import told

__all__ = ["bulk"]

bulk = typer.Typer(
    name="bulk",
    help="Look after the result of a whole archive.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Out = Annotated[Path, typer.Argument(help="What explain wrote with --out, ending in .zarr.")]
#: Damaged things that are named one by one.
NAMED = 20


@bulk.command()
def status(out: Out, *, json: OnlyJson = False, language: Language = None) -> None:
    """Say how far it is."""
    from rnnlens.bulk import status as of

    state = of(out)
    grid = state.manifest.grid
    left = grid.count - state.done
    facts: dict[str, object] = {
        told("archive"): state.manifest.path,
        told("blocks"): grid.count,
        told("blocks done"): state.done,
        told("windows"): state.windows,
        told("rows without a window"): state.missing,
        told("rows left"): grid.windows - state.windows - state.missing,
    }
    if state.done:
        facts[told("left, on one thread")] = duration(state.seconds / state.done * left)
    tell(facts, json=json)


@bulk.command()
def verify(out: Out, *, json: OnlyJson = False, language: Language = None) -> None:
    """Find what is not as it was written."""
    from rnnlens.bulk import verify as of

    found = of(out)
    facts: dict[str, object] = {told("damaged"): len(found)}
    for one in found[:NAMED]:
        name = one.what
        if one.block is not None:
            name = told("block {number}, {what}", number=one.block, what=one.what)
        facts[name] = told("damaged")
    tell(facts, json=json)
    if found:
        typer.echo(
            sentence(f"{out} is not as it was written: rnnlens bulk repair {out} mends it"),
            err=True,
        )
        raise typer.Exit(1)


@bulk.command()
def summary(
    out: Out,
    *,
    by: Annotated[str, typer.Option(help="What windows are grouped by: all, season, ...")] = "all",
    json: OnlyJson = False,
    language: Language = None,
) -> None:
    """Show each lag's share of the contributions."""
    from rnnlens.bulk import summary as of
    from rnnlens.cli.output import show
    from rnnlens.results.store import as_dict
    from rnnlens.views.tables.archive import archive_summary_view

    summed = of(out, by)
    if json:
        typer.echo(as_json(as_dict(summed)))
    else:
        show(archive_summary_view(summed))


@bulk.command()
def repair(
    out: Out,
    *,
    archive: Annotated[
        Path | None, typer.Option(help="Where the archive is by now.", show_default=False)
    ] = None,
    json: OnlyJson = False,
    language: Language = None,
) -> None:
    """Make anew what is not as it was written."""
    from rnnlens.bulk import repair as of

    tell({told("made anew"): len(of(out, archive))}, json=json)
