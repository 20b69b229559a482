"""Charts of a network itself: its layers, its weights, and what was recorded as it was trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rnnlens.arguments import shown
from rnnlens.errors import InputError
from rnnlens.plot.drawn import Look, drawn
from rnnlens.plot.wanted import Wanted, layer_of

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd
    import xarray as xr

__all__ = ["anatomy", "compared_weights", "record", "summarized_weights", "weights"]


def anatomy(
    description: Mapping[str, object],
    *,
    width: float | None = None,
    font: str | None = None,
    language: str = "en",
) -> alt.LayerChart:
    """Draw the layers of a network, what each holds, and what flows between them.

    Parameters
    ----------
    description : mapping
        What `rnnlens.describe` gives.
    width, font, language
        As in `rnnlens.plot.forecast`.

    Returns
    -------
    altair.LayerChart
        A box a layer, from the inputs down to the outputs; layers with weights are filled.

    Raises
    ------
    InputError
        If this is not what the verb gives, or an option is not what it must be.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> chart = rnnlens.plot.anatomy(rnnlens.describe(demo_files().network), width=84)
    >>> chart.to_dict()["layer"][1]["mark"]["type"]
    'rect'
    """
    look = Look(width, font, language)
    layers = description.get("layers") if isinstance(description, Mapping) else None
    if not isinstance(layers, list) or not layers or not isinstance(layers[0], Mapping):
        raise InputError(
            f"rnnlens.plot.anatomy takes what rnnlens.describe gives, not {shown(description)}: "
            "call rnnlens.describe(net)"
        )
    from rnnlens.views.charts.inside.anatomy import anatomy as draw

    return drawn(look, lambda: draw(description))


def weights(
    named: xr.DataTree,
    *,
    layer: str | None = None,
    kind: str = "W",
    carried: xr.Dataset | None = None,
    width: float | None = None,
    font: str | None = None,
    language: str = "en",
) -> alt.ConcatChart:
    """Draw the weights of a recurrent layer, a heat map a gate, all on one scale.

    Parameters
    ----------
    named : xarray.DataTree
        What `rnnlens.weights` gives.
    layer : str, optional
        The layer that is drawn; the only one with gates where it is left out.
    kind : {"W", "U", "b"}
        Input kernels, recurrent kernels, or biases.
    carried : xarray.Dataset, optional
        What `rnnlens.gate_contributions` gives of the same layer: units are then ordered by their
        influence, the mean size of what each carried of the forecast's change, largest first.
    width, font, language
        As in `rnnlens.plot.forecast`.

    Returns
    -------
    altair.ConcatChart
        A panel a gate.

    Raises
    ------
    InputError
        If this is not what the verb gives, or an option is not what it must be.
    DataError
        If the layer has no such weights, or ``carried`` is of another layer.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files, weather_windows
    >>> net = rnnlens.read(demo_files().network)
    >>> carried = rnnlens.gate_contributions(net, weather_windows().newest(3), target="temp")
    >>> chart = rnnlens.plot.weights(rnnlens.weights(net), carried=carried)
    >>> len(chart.to_dict()["concat"])
    4
    """
    from rnnlens.arguments import word

    look = Look(width, font, language)
    word("W", "U", "b").check("kind", kind)
    Wanted("weights", "weights", tree=True).check(named)
    node = layer_of(named, layer, f"{kind}_")
    if carried is not None:
        form = (("sample", "lag", "gate", "unit"),)
        wanted = Wanted("weights", "gate_contributions", {"contribution": form})
        wanted.check(carried)
    from rnnlens.views.charts.weights import weights as draw

    return drawn(look, lambda: draw(node, kind=kind, carried=carried))


def summarized_weights(
    summary: xr.DataTree,
    *,
    width: float | None = None,
    font: str | None = None,
    language: str = "en",
) -> alt.VConcatChart:
    """Draw the singular values of recurrent kernels by gate, and how open the gates are.

    Parameters
    ----------
    summary : xarray.DataTree
        What `rnnlens.summarize_weights` gives.
    width, font, language
        As in `rnnlens.plot.forecast`.

    Returns
    -------
    altair.VConcatChart
        A panel a layer, and one of all gates where the verb was given data.

    Raises
    ------
    InputError
        If this is not what the verb gives, or an option is not what it must be.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> summary = rnnlens.summarize_weights(demo_files().network)
    >>> len(rnnlens.plot.summarized_weights(summary).to_dict()["vconcat"])
    1
    """
    look = Look(width, font, language)
    Wanted("summarized_weights", "summarize_weights", tree=True).check(summary)
    from rnnlens.views.charts.inside.summarized_weights import summarized_weights as draw

    return drawn(look, lambda: draw(summary))


def compared_weights(
    compared: xr.DataTree,
    *,
    width: float | None = None,
    font: str | None = None,
    language: str = "en",
) -> alt.VConcatChart:
    """Draw norms and radii of two networks' recurrent kernels, gate by gate.

    Parameters
    ----------
    compared : xarray.DataTree
        What `rnnlens.compare_weights` gives.
    width, font, language
        As in `rnnlens.plot.forecast`.

    Returns
    -------
    altair.VConcatChart
        A ring for the first network, a dot for the second.

    Raises
    ------
    InputError
        If this is not what the verb gives, or an option is not what it must be.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> net = rnnlens.read(demo_files().network)
    >>> chart = rnnlens.plot.compared_weights(rnnlens.compare_weights(net, net))
    >>> len(chart.to_dict()["vconcat"])
    2
    """
    look = Look(width, font, language)
    Wanted("compared_weights", "compare_weights", tree=True).check(compared)
    from rnnlens.views.charts.inside.compared_weights import compared_weights as draw

    return drawn(look, lambda: draw(compared))


def record(
    table: pd.DataFrame,
    *,
    width: float | None = None,
    font: str | None = None,
    language: str = "en",
) -> alt.VConcatChart:
    """Draw what a record of a training says, step by step.

    Parameters
    ----------
    table : pandas.DataFrame
        The file that `rnnlens.record` wrote, as ``pandas.read_csv`` reads it.
    width, font, language
        As in `rnnlens.plot.forecast`.

    Returns
    -------
    altair.VConcatChart
        Means of the gates, how often they are saturated, and how far back memory reaches.

    Raises
    ------
    InputError
        If an option is not what it must be.
    DataError
        If the table is no record.

    Examples
    --------
    >>> import pandas as pd, rnnlens
    >>> table = pd.DataFrame({"step": [0, 1], "k50": [2.0, 3.0], "k95": [6.0, 9.0]})
    >>> len(rnnlens.plot.record(table).to_dict()["vconcat"])
    1
    """
    look = Look(width, font, language)
    from rnnlens.views.charts.inside.record import record as draw

    return drawn(look, lambda: draw(table))
