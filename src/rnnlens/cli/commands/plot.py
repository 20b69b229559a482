"""The verb that draws: a chart by its name, written to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rnnlens.cli.inputs import asked_from, network_from, number_of
from rnnlens.cli.options.arguments import Model
from rnnlens.cli.options.choices import ChartName
from rnnlens.cli.options.drawing import DrawingOptions
from rnnlens.cli.options.flatten import flattened
from rnnlens.cli.options.forecast import ExplainOptions
from rnnlens.cli.options.reading import ReadingOptions
from rnnlens.cli.options.series import SeriesOptions
from rnnlens.cli.options.shown import ShownOptions
from rnnlens.cli.output import note, note_typeface, working, wrote
from rnnlens.names import told

__all__ = ["plot"]


@flattened
def plot(
    name: Annotated[ChartName, typer.Argument(help="Which chart.", show_default=False)],
    model: Model,
    data: Annotated[
        list[Path] | None,
        typer.Argument(
            help="The series, or windows, as the other verbs take them; none for anatomy.",
            show_default=False,
        ),
    ] = None,
    *,
    reading: ReadingOptions,
    shown: ShownOptions,
    series: SeriesOptions,
    options: ExplainOptions,
    drawing: DrawingOptions,
) -> None:
    """Draw a chart, for a paper or a page."""
    from rnnlens import api
    from rnnlens import plot as charts
    from rnnlens.cli.commands.charts import Asked, recipe_of
    from rnnlens.plot.drawn import Look
    from rnnlens.views.charts.papers.saved import check_file
    from rnnlens.views.words.language import spoken
    from rnnlens.views.words.origin import fact_text

    path = check_file(drawing.out or Path(f"{name}.pdf"))  # before anything is computed
    language = drawing.language or spoken()
    Look(drawing.width, drawing.font, language)
    recipe = recipe_of(name, drawing.sample, data=bool(data))
    look: dict[str, Any] = {
        "width": drawing.width,
        "font": drawing.font,
        "language": language,
    }
    if drawing.sample is not None:
        look["sample"] = drawing.sample
    network = network_from(model, reading, shown)
    if recipe.draw is None:
        chart = charts.anatomy(api.describe(network), **look)
    else:
        sidecar, windows, seen = asked_from((model, network, data or []), series, tested=True)
        free = series.last is None and series.start is None and series.end is None
        if free and recipe.windows is not None and number_of(windows) > recipe.windows:
            windows = windows.newest(recipe.windows)
            note(
                told(
                    "the newest {count} of these; --last, --from and --to choose others",
                    count=recipe.windows,
                )
            )
        with working(
            told("drawing {chart} of {count:,} windows", chart=name, count=number_of(windows))
        ):
            chart = recipe.draw(Asked(network, windows, seen, sidecar, options))(**look)
    charts.save(chart, path)
    typer.echo(fact_text(wrote(path)))
    note_typeface(path, language)
