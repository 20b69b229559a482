"""Charts of `rnnlens.explain`: forecasts, and what they were made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnlens.plot.drawn import Look, drawn
from rnnlens.plot.wanted import Wanted, check_sample

if TYPE_CHECKING:
    import altair as alt
    import xarray as xr
    from numpy.typing import ArrayLike

__all__ = ["beeswarm", "calendar", "forecast", "lag_contributions", "lag_feature", "waterfall"]

_EACH = ("sample",)
_LAGS, _CELLS = ("sample", "lag"), ("sample", "lag", "feature")
_ENDS = {"forecast": (_EACH,), "baseline_forecast": (_EACH,)}
_SUMS = {"contribution": (_LAGS, _CELLS), **_ENDS}


def forecast(
    explained: xr.Dataset,
    *,
    width: float | None = None,
    font: str | None = None,
    language: str = "en",
) -> alt.Chart:
    """Draw the forecasts beside what happened, and beside the baseline's forecast.

    Parameters
    ----------
    explained : xarray.Dataset
        What `rnnlens.explain` gives; of many windows the newest 504 are drawn.
    width : float, optional
        Of the whole figure from edge to edge, in millimetres, as journals state the width of their
        columns; type is then 7 to 9 points high. By default a figure for the screen, of 640 pixels
        and what stands beside them.
    font : str, optional
        The typeface of every text, such as ``"Times New Roman"``; it must be installed where the
        figure is drawn, or another takes its place.
    language : str
        In which titles are written: ``"en"``, or another that there is a catalogue of.

    Returns
    -------
    altair.Chart
        It draws itself in a notebook; `rnnlens.plot.save` writes it to a file.

    Raises
    ------
    InputError
        If this is not what the verb gives, or the width, the typeface or the language is none.
    DataError
        If the result is empty, or holds NaN where the chart has numbers.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files, weather_windows
    >>> windows = weather_windows().newest(5)
    >>> explained = rnnlens.explain(demo_files().network, windows, target="temp", method="secant")
    >>> rnnlens.plot.forecast(explained, width=174).to_dict()["encoding"]["y"]["title"]
    ['temp (F)']
    """
    look = Look(width, font, language)
    Wanted("forecast", "explain", {"forecast": (_EACH,)}).check(explained)
    from rnnlens.views.charts.forecast import forecast as draw

    return drawn(look, lambda: draw(explained))


def lag_contributions(
    explained: xr.Dataset,
    *,
    sample: int | None = None,
    width: float | None = None,
    font: str | None = None,
    language: str = "en",
) -> alt.LayerChart:
    """Draw signed contributions by lag, each bar built from its features.

    Parameters
    ----------
    explained : xarray.Dataset
        What `rnnlens.explain` gives, of a method whose contributions sum.
    sample : int, optional
        The window that is drawn, counted from 0; by default means over all of them.
    width, font, language
        As in `rnnlens.plot.forecast`.

    Returns
    -------
    altair.LayerChart
        Bars; a diamond at the sum of each lag.

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
    >>> windows = weather_windows().newest(5)
    >>> explained = rnnlens.explain(demo_files().network, windows, target="temp", method="secant")
    >>> chart = rnnlens.plot.lag_contributions(explained, sample=0)
    >>> chart.to_dict()["layer"][0]["encoding"]["y"]["title"]
    'contribution to temp (F)'
    """
    look = Look(width, font, language)
    Wanted("lag_contributions", "explain", _SUMS).check(explained)
    place = None if sample is None else check_sample(explained, sample)
    from rnnlens.views.charts.lag_contributions import lag_contributions as draw

    return drawn(look, lambda: draw(explained, sample=place))


def lag_feature(
    explained: xr.Dataset,
    *,
    width: float | None = None,
    font: str | None = None,
    language: str = "en",
) -> alt.Chart:
    """Draw the mean size of the contributions by lag and feature, as a heat map.

    Parameters
    ----------
    explained : xarray.Dataset
        What `rnnlens.explain` gives, of a method that splits by lag and feature.
    width, font, language
        As in `rnnlens.plot.forecast`.

    Returns
    -------
    altair.Chart
        The darker, the larger; the same lightness for the same size in any colour sight.

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
    >>> windows = weather_windows().newest(5)
    >>> explained = rnnlens.explain(demo_files().network, windows, target="temp", method="secant")
    >>> rnnlens.plot.lag_feature(explained).to_dict()["mark"]["type"]
    'rect'
    """
    look = Look(width, font, language)
    Wanted("lag_feature", "explain", {"contribution": (_CELLS,)}).check(explained)
    from rnnlens.views.charts.lag_feature import lag_feature as draw

    return drawn(look, lambda: draw(explained))


def waterfall(
    explained: xr.Dataset,
    *,
    sample: int | None = None,
    by: str | None = None,
    width: float | None = None,
    font: str | None = None,
    language: str = "en",
) -> alt.LayerChart:
    """Draw how one forecast is made: from the baseline's forecast, step by step, to the forecast.

    Parameters
    ----------
    explained : xarray.Dataset
        What `rnnlens.explain` gives, of a method whose contributions sum.
    sample : int, optional
        The window that is drawn, counted from 0; by default the newest.
    by : {"feature", "lag", "both"}, optional
        What a bar is: a feature with its lags summed, a lag with its features summed, or each
        feature at each lag. By default a feature, or a lag where there are no features. The nine
        largest are drawn, the others are summed.
    width, font, language
        As in `rnnlens.plot.forecast`.

    Returns
    -------
    altair.LayerChart
        Bars that begin where the one above them ends, each with its number; the last ends at the
        forecast.

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
    >>> windows = weather_windows().newest(5)
    >>> explained = rnnlens.explain(demo_files().network, windows, target="temp", method="secant")
    >>> rnnlens.plot.waterfall(explained).to_dict()["title"]["text"]
    'How the forecast of temp is made, 2013-12-31 05:00'
    """
    look = Look(width, font, language)
    Wanted("waterfall", "explain", _SUMS).check(explained)
    place = check_sample(explained, sample)
    from rnnlens.views.charts.forecasts.waterfall import waterfall as draw

    return drawn(look, lambda: draw(explained, sample=place, by=by))


def beeswarm(
    explained: xr.Dataset,
    X: ArrayLike | None = None,
    *,
    width: float | None = None,
    font: str | None = None,
    language: str = "en",
) -> alt.LayerChart:
    """Draw the contributions of every window, a point each, in a row a feature.

    Parameters
    ----------
    explained : xarray.Dataset
        What `rnnlens.explain` gives, of a method whose contributions sum; lags are summed. Of many
        windows evenly spaced ones are drawn, and the chart says how many.
    X : Windows or array (sample, step, feature), optional
        The same windows: points are then coloured by the feature's newest value, from its lowest
        (dark) to its highest (pale).
    width, font, language
        As in `rnnlens.plot.forecast`.

    Returns
    -------
    altair.LayerChart
        A row a feature, the largest first; a row a lag where there are no features.

    Raises
    ------
    InputError
        If this is not what the verb gives, or an option is not what it must be.
    DataError
        If the result is empty, holds NaN where the chart has numbers, or ``X`` are other windows.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files, weather_windows
    >>> windows = weather_windows().newest(5)
    >>> explained = rnnlens.explain(demo_files().network, windows, target="temp", method="secant")
    >>> spec = rnnlens.plot.beeswarm(explained, windows).to_dict()
    >>> spec["layer"][1]["encoding"]["x"]["title"]
    'contribution to temp (F)'
    """
    look = Look(width, font, language)
    Wanted("beeswarm", "explain", _SUMS).check(explained)
    from rnnlens.views.charts.forecasts.beeswarm import beeswarm as draw

    return drawn(look, lambda: draw(explained, X))


def calendar(
    explained: xr.Dataset,
    *,
    width: float | None = None,
    font: str | None = None,
    language: str = "en",
) -> alt.LayerChart:
    """Draw contributions over calendar time, each bar built from its features.

    Parameters
    ----------
    explained : xarray.Dataset
        What `rnnlens.explain` gives, of a method whose contributions sum; lags are summed. Many
        windows are drawn as means over even spans of time, and the chart says how long these are.
    width, font, language
        As in `rnnlens.plot.forecast`.

    Returns
    -------
    altair.LayerChart
        Stacked bars over the time that the forecasts are for, and a line at their sums: forecast
        minus baseline forecast.

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
    >>> windows = weather_windows().newest(5)
    >>> explained = rnnlens.explain(demo_files().network, windows, target="temp", method="secant")
    >>> rnnlens.plot.calendar(explained).to_dict()["layer"][0]["encoding"]["x"]["title"]
    'time that the forecast is for'
    """
    look = Look(width, font, language)
    Wanted("calendar", "explain", _SUMS).check(explained)
    from rnnlens.views.charts.forecasts.calendar import calendar as draw

    return drawn(look, lambda: draw(explained))
