"""Charts of what lags are shown to do: shares, certificates, pairs, and several ways to ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rnnlens.arguments import shown
from rnnlens.errors import InputError
from rnnlens.plot.drawn import Look, drawn
from rnnlens.plot.wanted import Wanted, check_sample

if TYPE_CHECKING:
    import altair as alt
    import xarray as xr

__all__ = ["baselines", "certificates", "interactions", "lag_shares", "methods"]

_EACH, _LAG, _LAGS = ("sample",), ("lag",), ("sample", "lag")


def lag_shares(
    evidence: xr.Dataset,
    *,
    width: float | None = None,
    font: str | None = None,
    language: str = "en",
) -> alt.LayerChart:
    """Draw the share of each lag, with its interval.

    Parameters
    ----------
    evidence : xarray.Dataset
        What `rnnlens.lags` gives.
    width, font, language
        As in `rnnlens.plot.forecast`.

    Returns
    -------
    altair.LayerChart
        Bars from zero; a line at each is the interval of the share.

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
    >>> windows = weather_windows().newest(60)
    >>> evidence = rnnlens.lags(
    ...     demo_files().network, windows, target="temp", certificates=None, test=None
    ... )
    >>> spec = rnnlens.plot.lag_shares(evidence).to_dict()
    >>> spec["layer"][0]["encoding"]["y"]["field"]
    'share'
    """
    look = Look(width, font, language)
    Wanted("lag_shares", "lags", {"share": (_LAG,)}).check(evidence)
    from rnnlens.views.charts.lag_shares import lag_shares as draw

    return drawn(look, lambda: draw(evidence))


def certificates(
    certified: xr.Dataset,
    *,
    sample: int | None = None,
    width: float | None = None,
    font: str | None = None,
    language: str = "en",
) -> alt.LayerChart:
    """Draw how far each lag is proven not to move a forecast, beside how far it did.

    Parameters
    ----------
    certified : xarray.Dataset
        What `rnnlens.certify` gives.
    sample : int, optional
        The window that is drawn, counted from 0; by default the largest over all of them.
    width, font, language
        As in `rnnlens.plot.forecast`.

    Returns
    -------
    altair.LayerChart
        Bars for what was attained, ticks at what is proven; dashed, the change that does not
        matter. Below that the axis is linear, above it logarithmic.

    Raises
    ------
    InputError
        If this is not what the verb gives, or an option is not what it must be.
    DataError
        If the result is empty.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files, weather_windows
    >>> windows = weather_windows().newest(1)
    >>> effort = rnnlens.Certificates(budget=1, tolerance=0.5)
    >>> certified = rnnlens.certify(
    ...     demo_files().network, windows, lag=[23, 24], target="temp", certificates=effort
    ... )
    >>> spec = rnnlens.plot.certificates(certified, sample=0).to_dict()
    >>> spec["layer"][0]["encoding"]["y"]["title"][0]
    'change of the forecast of temp (F)'
    """
    look = Look(width, font, language)
    over = ("largest_bound", "largest_attained") if sample is None else ("bound", "attained")
    form = (_LAG,) if sample is None else (_LAGS,)
    # of a lag that was not asked about, no bound is known
    Wanted("certificates", "certify", dict.fromkeys(over, form), missing=over).check(certified)
    place = None if sample is None else check_sample(certified, sample)
    from rnnlens.views.charts.certificates import certificates as draw

    return drawn(look, lambda: draw(certified, sample=place))


def interactions(
    readings: xr.Dataset,
    *,
    sample: int | None = None,
    width: float | None = None,
    font: str | None = None,
    language: str = "en",
) -> alt.LayerChart:
    """Draw what lags do alone, on the diagonal, and in pairs.

    Parameters
    ----------
    readings : xarray.Dataset
        What `rnnlens.interactions` gives.
    sample : int, optional
        The window that is drawn, counted from 0; by default means over all of them.
    width, font, language
        As in `rnnlens.plot.forecast`.

    Returns
    -------
    altair.LayerChart
        A heat map with its numbers; every row sums to the contribution of its lag.

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
    >>> readings = rnnlens.interactions(demo_files().network, windows, target="temp", newest=4)
    >>> spec = rnnlens.plot.interactions(readings).to_dict()
    >>> spec["layer"][0]["encoding"]["color"]["field"]
    'value'
    """
    look = Look(width, font, language)
    pairs = {"interaction": (("sample", "lag", "with_lag"),)}
    Wanted("interactions", "interactions", pairs).check(readings)
    place = None if sample is None else check_sample(readings, sample)
    from rnnlens.views.charts.forecasts.interactions import interactions as draw

    return drawn(look, lambda: draw(readings, sample=place))


def baselines(
    compared: xr.Dataset,
    *,
    width: float | None = None,
    font: str | None = None,
    language: str = "en",
) -> alt.Chart:
    """Draw the contributions by lag under several baselines, side by side.

    Parameters
    ----------
    compared : xarray.Dataset
        What `rnnlens.compare_baselines` gives.
    width, font, language
        As in `rnnlens.plot.forecast`.

    Returns
    -------
    altair.Chart
        A line a baseline, each with marks and dashes of its own: means over the windows.

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
    >>> compared = rnnlens.compare_baselines(demo_files().network, windows, target="temp")
    >>> rnnlens.plot.baselines(compared).to_dict()["encoding"]["color"]["sort"]
    ['zero', 'mean', 'persistence', 'background']
    """
    look = Look(width, font, language)
    wanted = {"contribution": (("baseline", "sample", "lag"),)}
    Wanted("baselines", "compare_baselines", wanted).check(compared)
    from rnnlens.views.charts.forecasts.side_by_side import baselines as draw

    return drawn(look, lambda: draw(compared))


def methods(
    explanations: Mapping[str, xr.Dataset],
    *,
    width: float | None = None,
    font: str | None = None,
    language: str = "en",
) -> alt.Chart:
    """Draw what several methods say of the same windows, by lag, side by side.

    Parameters
    ----------
    explanations : mapping of str to xarray.Dataset
        Two or more results of `rnnlens.explain` about the same windows and target, by the names
        that they are shown under.
    width, font, language
        As in `rnnlens.plot.forecast`.

    Returns
    -------
    altair.Chart
        A line a method, each with marks and dashes of its own: means over the windows. What does
        not sum to the forecast is said to be so.

    Raises
    ------
    InputError
        If there are fewer than two, or one is not what the verb gives.
    DataError
        If a result is empty, holds NaN, or is about other windows or another target.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files, weather_windows
    >>> net, windows = rnnlens.read(demo_files().network), weather_windows().newest(3)
    >>> explained = {
    ...     name: rnnlens.explain(net, windows, target="temp", method=name)
    ...     for name in ("secant", "occlusion")
    ... }
    >>> rnnlens.plot.methods(explained).to_dict()["encoding"]["color"]["sort"]
    ['secant', 'occlusion (does not sum)']
    """
    look = Look(width, font, language)
    one_alone = hasattr(explanations, "data_vars")  # a Dataset is a mapping too
    if not isinstance(explanations, Mapping) or one_alone or len(explanations) < 2:
        raise InputError(
            "rnnlens.plot.methods takes two or more results by name, not "
            f"{shown(explanations)}: call it as in rnnlens.plot.methods("
            "{'secant': rnnlens.explain(net, X, method='secant'), 'tree': rnnlens.explain(net, X, "
            "method='tree')})"
        )
    for one in explanations.values():
        name = str(getattr(one, "attrs", {}).get("shows") or "contribution")
        forms = (_LAGS, (*_LAGS, "feature"))
        Wanted("methods", "explain", {name: forms} if name != "contribution" else
               {"contribution": forms}).check(one)  # fmt: skip
    from rnnlens.views.charts.forecasts.side_by_side import methods as draw

    return drawn(look, lambda: draw(explanations))
