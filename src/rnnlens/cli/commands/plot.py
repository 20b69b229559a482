"""The verb that draws: a chart by its name, written to a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnnlens.cli.drawn import asked_or_drawn
from rnnlens.cli.inputs import network_from, number_of
from rnnlens.cli.options.charted import ChartedOptions
from rnnlens.cli.options.choices import ChartName
from rnnlens.cli.options.drawing import DrawingOptions
from rnnlens.cli.options.flatten import flattened
from rnnlens.cli.options.reading import ReadingOptions
from rnnlens.cli.options.series import SeriesOptions
from rnnlens.cli.options.shown import ShownOptions
from rnnlens.cli.output import note, note_typeface, working, wrote
from rnnlens.names import told

if TYPE_CHECKING:
    from rnnlens.cli.commands.charts import Asked
    from rnnlens.cli.commands.recipes import Recipe
    from rnnlens.cli.several import AnyWindows

__all__ = ["plot"]


@flattened
def plot(
    name: Annotated[ChartName, typer.Argument(help="Which chart.", show_default=False)],
    model: Annotated[
        Path,
        typer.Argument(
            help="The trained network: a file of Keras, PyTorch, ONNX or rnnlens; for record, the "
            "file that rnnlens.record wrote.",
            show_default=False,
        ),
    ],
    data: Annotated[
        list[Path] | None,
        typer.Argument(
            help="The series, or windows, as the other verbs take them; for compared_weights the "
            "other network before them; none for anatomy and record.",
            show_default=False,
        ),
    ] = None,
    *,
    reading: ReadingOptions,
    shown: ShownOptions,
    series: SeriesOptions,
    options: ChartedOptions,
    drawing: DrawingOptions,
) -> None:
    """Draw a chart, for a paper or a page."""
    from rnnlens import plot as charts
    from rnnlens.cli.commands.charts import Asked
    from rnnlens.cli.commands.recipes import recipe_of
    from rnnlens.plot.drawn import Look
    from rnnlens.views.charts.papers.saved import check_file
    from rnnlens.views.words.language import spoken
    from rnnlens.views.words.origin import fact_text

    path = check_file(drawing.out or Path(f"{name}.pdf"))  # before anything is computed
    language = drawing.language or spoken()
    Look(drawing.width, drawing.font, language)
    recipe = recipe_of(name, drawing.sample, options, data or (), series.placed)
    look: dict[str, Any] = {
        "width": drawing.width,
        "font": drawing.font,
        "language": language,
    }
    if drawing.sample is not None:
        look["sample"] = drawing.sample
    asked = Asked(model, data or (), reading, options)
    if name == "compared_weights":
        first, *rest = asked.data
        asked = replace(asked, other=first, data=rest)
    if name != "record":
        asked = replace(asked, network=network_from(model, reading, shown))
        asked = _with_windows(asked, recipe, series)
    heading = told("drawing {chart}", chart=name)
    if asked.windows is not None:
        count = number_of(asked.windows)
        heading = told("drawing {chart} of {count:,} windows", chart=name, count=count)
    with working(heading):
        chart = recipe.draw(asked)(**look)
    charts.save(chart, path)
    typer.echo(fact_text(wrote(path)))
    note_typeface(path, language)


def _with_windows(asked: Asked, recipe: Recipe, series: SeriesOptions) -> Asked:
    """Add the windows, where there are data: no more than a chart is usually drawn of."""
    if not asked.data:
        return asked
    assert asked.network is not None, "windows are of one"
    given = (asked.model, asked.network, asked.data)
    sidecar, windows, seen, drawn = asked_or_drawn(given, series, asked.options)
    free = series.last is None and series.start is None and series.end is None and not drawn
    if free and recipe.windows is not None and number_of(windows) > recipe.windows:
        windows = windows.newest(recipe.windows)
        note(
            told(
                "the newest {count} of these; --last, --from and --to choose others",
                count=recipe.windows,
            )
        )
    of = _input_of(asked, windows) if recipe.of_one else None
    return replace(asked, windows=windows, seen=seen, sidecar=sidecar, of=of)


def _input_of(asked: Asked, windows: AnyWindows) -> str | None:
    """Give the input that is drawn, of several: the one named, or that which is forecast from."""
    from rnnlens.series.joint.windows import WindowsByInput

    named = asked.options.inputs or []
    if len(named) > 1:
        raise typer.BadParameter(
            f"a chart is of one input, and --of names {', '.join(named)}: name one"
        )
    if named or not isinstance(windows, WindowsByInput):
        return named[0] if named else None
    note(
        told(
            "of the input {name}, while the others keep their values; --of names another",
            name=windows.main,
        )
    )
    return windows.main
