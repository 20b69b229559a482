"""Charts of what happens inside: gates and states, memory, points of rest, concepts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnlens.plot.drawn import Look, drawn
from rnnlens.plot.wanted import Wanted, check_sample, layer_of

if TYPE_CHECKING:
    import altair as alt
    import xarray as xr

__all__ = [
    "bifurcations",
    "eigenvalues",
    "fixed_points",
    "gate_contributions",
    "gates",
    "memory",
    "probe",
]

_RESTS = ("point", "phase", "state")


def gates(
    traced: xr.DataTree,
    *,
    layer: str | None = None,
    sample: int | None = None,
    width: float | None = None,
    font: str | None = None,
    language: str = "en",
) -> alt.ConcatChart:
    """Draw every gate and state of one window over its steps, unit by unit.

    Parameters
    ----------
    traced : xarray.DataTree
        What `rnnlens.trace` gives.
    layer : str, optional
        The layer that is drawn; the only one with gates where it is left out.
    sample : int, optional
        The window that is drawn, counted from 0; by default the newest.
    width, font, language
        As in `rnnlens.plot.forecast`.

    Returns
    -------
    altair.ConcatChart
        A heat map each: gates from 0 (closed) to 1 (open), states about zero.

    Raises
    ------
    InputError
        If this is not what the verb gives, or an option is not what it must be.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files, weather_windows
    >>> traced = rnnlens.trace(demo_files().network, weather_windows().newest(1))
    >>> len(rnnlens.plot.gates(traced).to_dict()["concat"])
    6
    """
    look = Look(width, font, language)
    Wanted("gates", "trace", tree=True).check(traced)
    node = layer_of(traced, layer, "gate_value")
    place = check_sample(node, sample)
    from rnnlens.views.charts.gates import gates as draw
    from rnnlens.views.tables.summary import time_text
    from rnnlens.views.words.language import say

    def made() -> alt.ConcatChart:
        title = say("Gates and states of {layer}, window of {when}",
                    layer=node.attrs.get("layer", ""), when=time_text(node, place))  # fmt: skip
        return draw(node, sample=place, title=title)

    return drawn(look, made)


def gate_contributions(
    carried: xr.Dataset,
    *,
    sample: int | None = None,
    width: float | None = None,
    font: str | None = None,
    language: str = "en",
) -> alt.LayerChart:
    """Draw which gate carried the change of a forecast, by lag.

    Parameters
    ----------
    carried : xarray.Dataset
        What `rnnlens.gate_contributions` gives; units are summed.
    sample : int, optional
        The window that is drawn, counted from 0; by default means over all of them.
    width, font, language
        As in `rnnlens.plot.forecast`.

    Returns
    -------
    altair.LayerChart
        Stacked bars, in the unit of the target.

    Raises
    ------
    InputError
        If this is not what the verb gives, or an option is not what it must be.
    DataError
        If the result is empty, or holds NaN where the chart has numbers.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files, weather_windows
    >>> windows = weather_windows().newest(3)
    >>> carried = rnnlens.gate_contributions(demo_files().network, windows, target="temp")
    >>> spec = rnnlens.plot.gate_contributions(carried, sample=0).to_dict()
    >>> spec["layer"][0]["encoding"]["y"]["title"]
    'contribution to temp (F)'
    """
    look = Look(width, font, language)
    form = {"contribution": (("sample", "lag", "gate", "unit"),)}
    Wanted("gate_contributions", "gate_contributions", form).check(carried)
    place = None if sample is None else check_sample(carried, sample)
    from rnnlens.views.charts.gate_contributions import gate_contributions as draw

    return drawn(look, lambda: draw(carried, sample=place))


def memory(
    measured: xr.DataTree,
    *,
    width: float | None = None,
    font: str | None = None,
    language: str = "en",
) -> alt.VConcatChart:
    """Draw every measure of memory on one axis of lags, and how what is long ago fades.

    Parameters
    ----------
    measured : xarray.DataTree
        What `rnnlens.memory` gives.
    width, font, language
        As in `rnnlens.plot.forecast`.

    Returns
    -------
    altair.VConcatChart
        A row a measure, and beneath it curves.

    Raises
    ------
    InputError
        If this is not what the verb gives, or an option is not what it must be.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files, weather_windows
    >>> windows = weather_windows().newest(40)
    >>> measured = rnnlens.memory(demo_files().network, windows, target="temp", histories=4)
    >>> len(rnnlens.plot.memory(measured).to_dict()["vconcat"])
    2
    """
    look = Look(width, font, language)
    Wanted("memory", "memory", tree=True).check(measured)
    from rnnlens.views.charts.memory import memory as draw

    return drawn(look, lambda: draw(measured))


def fixed_points(
    found: xr.Dataset,
    traced: xr.DataTree | None = None,
    *,
    width: float | None = None,
    font: str | None = None,
    language: str = "en",
) -> alt.LayerChart:
    """Draw points of rest and cycles in a plane of the states, with the ways of windows.

    The plane is that of the first two principal components: of the states that were traced, or of
    the points themselves where there are three or more.

    Parameters
    ----------
    found : xarray.Dataset
        What `rnnlens.fixed_points` gives.
    traced : xarray.DataTree, optional
        What `rnnlens.trace` gives of the same network: the ways of its newest 20 windows are drawn,
        each from its first step (a ring) to its last.
    width, font, language
        As in `rnnlens.plot.forecast`.

    Returns
    -------
    altair.LayerChart
        A mark a point, by its stability; a cycle is a closed line through its phases.

    Raises
    ------
    InputError
        If this is not what the verb gives, or an option is not what it must be.
    DataError
        If there are too few points to span a plane and nothing was traced, or a layer of the points
        was not traced.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files, weather_windows
    >>> net, windows = rnnlens.read(demo_files().network), weather_windows().newest(3)
    >>> found = rnnlens.fixed_points(net, windows)
    >>> spec = rnnlens.plot.fixed_points(found, rnnlens.trace(net, windows)).to_dict()
    >>> spec["layer"][0]["encoding"]["x"]["title"].startswith("first principal component")
    True
    """
    look = Look(width, font, language)
    Wanted("fixed_points", "fixed_points", {"location": (_RESTS,)}).check(found)
    if traced is not None:
        Wanted("fixed_points", "trace", tree=True).check(traced)
    from rnnlens.views.charts.inside.states_plane import states_plane as draw

    return drawn(look, lambda: draw(found, traced))


def eigenvalues(
    found: xr.Dataset,
    *,
    width: float | None = None,
    font: str | None = None,
    language: str = "en",
) -> alt.LayerChart:
    """Draw the eigenvalues of every fixed point or cycle about the unit circle.

    Parameters
    ----------
    found : xarray.Dataset
        What `rnnlens.fixed_points` gives.
    width, font, language
        As in `rnnlens.plot.forecast`.

    Returns
    -------
    altair.LayerChart
        Inside the circle a deviation dies, outside it grows.

    Raises
    ------
    InputError
        If this is not what the verb gives, or an option is not what it must be.
    DataError
        If no point was found.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files, weather_windows
    >>> found = rnnlens.fixed_points(demo_files().network, weather_windows().newest(1))
    >>> spec = rnnlens.plot.eigenvalues(found).to_dict()
    >>> spec["layer"][1]["encoding"]["x"]["title"]
    'eigenvalue, real part'
    """
    look = Look(width, font, language)
    spectrum = (("point", "eigenvalue"),)
    wanted = {"eigenvalue_real": spectrum, "eigenvalue_imag": spectrum}
    Wanted("eigenvalues", "fixed_points", wanted).check(found)
    from rnnlens.views.charts.fixed_points import fixed_points as draw

    return drawn(look, lambda: draw(found))


def bifurcations(
    moved: xr.Dataset,
    *,
    width: float | None = None,
    font: str | None = None,
    language: str = "en",
) -> alt.LayerChart:
    """Draw where a network comes to rest as one held input is moved.

    Parameters
    ----------
    moved : xarray.Dataset
        What `rnnlens.bifurcations` gives.
    width, font, language
        As in `rnnlens.plot.forecast`.

    Returns
    -------
    altair.LayerChart
        A line a branch, marks by their stability, grey bands where something changes.

    Raises
    ------
    InputError
        If this is not what the verb gives, or an option is not what it must be.
    DataError
        If no point was found.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files, weather_windows
    >>> windows = weather_windows().newest(1)
    >>> moved = rnnlens.bifurcations(demo_files().network, windows, "temp", [30.0, 60.0])
    >>> rnnlens.plot.bifurcations(moved).to_dict()["layer"][0]["encoding"]["x"]["title"]
    'temp (F)'
    """
    look = Look(width, font, language)
    wanted = {"location": (("value", "branch", "phase", "state"),)}
    Wanted("bifurcations", "bifurcations", wanted, missing=("location",)).check(moved)
    from rnnlens.views.charts.bifurcations import bifurcations as draw

    return drawn(look, lambda: draw(moved))


def probe(
    probed: xr.DataTree,
    *,
    width: float | None = None,
    font: str | None = None,
    language: str = "en",
) -> alt.VConcatChart:
    """Draw how well a concept is read off each state, beside its controls.

    Parameters
    ----------
    probed : xarray.DataTree
        What `rnnlens.probe` gives.
    width, font, language
        As in `rnnlens.plot.forecast`.

    Returns
    -------
    altair.VConcatChart
        R2 of every state and control, and beneath it the selectivities with their intervals.

    Raises
    ------
    InputError
        If this is not what the verb gives, or an option is not what it must be.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files, weather_windows
    >>> windows = weather_windows().newest(200)
    >>> newest = windows.original[:, -1, 0]
    >>> probed = rnnlens.probe(
    ...     demo_files().network, windows, newest, target="temp", draws=1, shifts=1
    ... )
    >>> len(rnnlens.plot.probe(probed).to_dict()["vconcat"])
    2
    """
    look = Look(width, font, language)
    Wanted("probe", "probe", tree=True).check(probed)
    from rnnlens.views.charts.inside.probe import probe as draw

    return drawn(look, lambda: draw(probed))
