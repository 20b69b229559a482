"""The verbs about the result of a whole archive: how far it is, and whether it is sound."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rnnlens.cli.archives import tell
from rnnlens.cli.options.arguments import OnlyJson
from rnnlens.cli.output import as_json, duration, sentence

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
def status(out: Out, *, json: OnlyJson = False) -> None:
    """Say how far it is."""
    from rnnlens.bulk import status as of

    state = of(out)
    grid = state.manifest.grid
    left = grid.count - state.done
    facts = {
        "archive": state.manifest.path,
        "blocks": grid.count,
        "blocks done": state.done,
        "windows": state.windows,
        "rows without a window": state.missing,
        "rows left": grid.windows - state.windows - state.missing,
    }
    if state.done:
        facts["left, on one thread"] = duration(state.seconds / state.done * left)
    tell(facts, json=json)


@bulk.command()
def verify(out: Out, *, json: OnlyJson = False) -> None:
    """Find what is not as it was written."""
    from rnnlens.bulk import verify as of

    found = of(out)
    facts: dict[str, object] = {"damaged": len(found)}
    for one in found[:NAMED]:
        facts[one.what if one.block is None else f"block {one.block}, {one.what}"] = "damaged"
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
) -> None:
    """Make anew what is not as it was written."""
    from rnnlens.bulk import repair as of

    tell({"made anew": len(of(out, archive))}, json=json)
