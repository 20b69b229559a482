"""What every result can become: ``result.rnnlens`` of xarray.

It is known as soon as rnnlens has given a result, or after ``import rnnlens.accessor``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from rnnlens.errors import DataError, InputError, MissingLibrary
from rnnlens.plot.wanted import Wanted, verb_of

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd
    import shap  # pyright: ignore[reportMissingImports]  (none of ours needs it)
    from numpy.typing import ArrayLike

__all__ = ["Result", "TreeResult"]

_LAGS = ("sample", "lag")
_SUMS = {
    "contribution": (_LAGS, (*_LAGS, "feature")),
    "forecast": (("sample",),),
    "baseline_forecast": (("sample",),),
}


@xr.register_dataset_accessor("rnnlens")
class Result:
    """What a result of rnnlens can become: a table, a chart, an object of shap.

    Parameters
    ----------
    result : xarray.Dataset
        What a verb of rnnlens gave.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files, weather_windows
    >>> windows = weather_windows().newest(2)
    >>> explained = rnnlens.explain(demo_files().network, windows, target="temp", method="secant")
    >>> list(explained.rnnlens.pandas().columns)[:4]
    ['variable', 'sample', 'lag', 'feature']
    """

    def __init__(self, result: xr.Dataset) -> None:
        self._result = result

    def _repr_html_(self) -> str:
        """Show the table, the sentences and the chart in a notebook."""
        return _shown(self._result)

    def pandas(self) -> pd.DataFrame:
        """Give every number in a row of its own: a tidy table.

        Returns
        -------
        pandas.DataFrame
            Columns ``variable``, one a dimension and coordinate (empty where a variable has none),
            and ``value``. A result about several layers or inputs has a column for these too.

        Examples
        --------
        >>> import rnnlens
        >>> from rnnlens.demo.weather import demo_files, weather_windows
        >>> windows = weather_windows().newest(2)
        >>> explained = rnnlens.explain(demo_files().network, windows, target=0, method="secant")
        >>> table = explained.rnnlens.pandas()
        >>> int((table["variable"] == "contribution").sum()) == explained.contribution.size
        True
        """
        return _table(self._result)

    def plot(
        self, *, width: float | None = None, font: str | None = None, language: str = "en"
    ) -> alt.TopLevelMixin:
        """Draw the chart that such a result is looked at first.

        Parameters
        ----------
        width, font, language
            As in `rnnlens.plot.forecast`.

        Returns
        -------
        altair.TopLevelMixin
            Of `rnnlens.explain` the waterfall of one window, or contributions by lag of several;
            of other verbs the chart that has the verb's name, or draws it.

        Raises
        ------
        InputError
            If there is no chart of such a result.

        Examples
        --------
        >>> import rnnlens
        >>> from rnnlens.demo.weather import demo_files, weather_windows
        >>> windows = weather_windows().newest(1)
        >>> explained = rnnlens.explain(demo_files().network, windows, target=0, method="secant")
        >>> type(explained.rnnlens.plot()).__name__
        'LayerChart'
        """
        return _drawn(self._result, width, font, language)

    def shap(self, X: ArrayLike | None = None) -> shap.Explanation:
        """Give contributions as shap's plots take them.

        Parameters
        ----------
        X : Windows or array (sample, step, feature), optional
            The windows that were explained, whose values shap then shows beside the contributions.

        Returns
        -------
        shap.Explanation
            ``values (sample, column)``, a column a feature at a lag (``"temp t-1"``) or a lag, with
            ``base_values (sample,)``, the baseline's forecasts: their sum is the forecast, up to
            the residual. ``data`` is NaN where no windows are given.

        Raises
        ------
        MissingLibrary
            If shap is not installed.
        InputError
            If this is no result of `rnnlens.explain`, or its method gives nothing that sums.
        DataError
            If the result is empty or holds NaN, or ``X`` are other windows.
        """
        return _as_shap(self._result, X)


@xr.register_datatree_accessor("rnnlens")
class TreeResult:
    """What a result about several layers or inputs can become: a table, a chart.

    Parameters
    ----------
    result : xarray.DataTree
        What a verb of rnnlens gave.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> table = rnnlens.weights(demo_files().network).rnnlens.pandas()
    >>> sorted(table["layer"].unique())
    ['dense', 'lstm']
    """

    def __init__(self, result: xr.DataTree) -> None:
        self._result = result

    def _repr_html_(self) -> str:
        """Show the table, the sentences and the chart in a notebook."""
        return _shown(self._result)

    def pandas(self) -> pd.DataFrame:
        """Give every number in a row of its own, as of one Dataset.

        Returns
        -------
        pandas.DataFrame
            As `Result.pandas` gives it, with a column ``layer`` or ``input``.
        """
        return _table(self._result)

    def plot(
        self, *, width: float | None = None, font: str | None = None, language: str = "en"
    ) -> alt.TopLevelMixin:
        """Draw the chart that such a result is looked at first.

        Parameters
        ----------
        width, font, language
            As in `rnnlens.plot.forecast`.

        Returns
        -------
        altair.TopLevelMixin
            The chart that draws the verb's result.

        Raises
        ------
        InputError
            If there is no chart of such a result.
        """
        return _drawn(self._result, width, font, language)


def _table(result: xr.Dataset | xr.DataTree) -> pd.DataFrame:
    import pandas as pd

    from rnnlens.results.store import long_tables

    parts = [part.dropna(axis="columns", how="all") for part in long_tables(result)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


#: Charts by the verbs whose results they draw.
_CHARTS = {
    "bifurcations": "bifurcations",
    "certify": "certificates",
    "compare_baselines": "baselines",
    "compare_weights": "compared_weights",
    "fixed_points": "eigenvalues",
    "gate_contributions": "gate_contributions",
    "interactions": "interactions",
    "lags": "lag_shares",
    "memory": "memory",
    "probe": "probe",
    "summarize_weights": "summarized_weights",
    "trace": "gates",
    "weights": "weights",
}


def _drawn(
    result: xr.Dataset | xr.DataTree, width: float | None, font: str | None, language: str
) -> alt.TopLevelMixin:
    from rnnlens import plot

    verb = verb_of(result)
    name = _CHARTS.get(verb or "")
    if verb == "explain":
        one = getattr(result, "sizes", {}).get("sample") == 1
        name = "waterfall" if one else "lag_contributions"
    if name is None:
        raise InputError(
            f"there is no chart of a result of {'rnnlens.' + verb if verb else 'this kind'}: "
            f"rnnlens.plot draws those of {', '.join(sorted([*_CHARTS, 'explain']))}"
        )
    return getattr(plot, name)(result, width=width, font=font, language=language)


def _shown(result: xr.Dataset | xr.DataTree) -> str:
    from rnnlens.views.notebook.result import result_markup

    def chart() -> alt.TopLevelMixin | None:
        try:
            return _drawn(result, None, None, "en")
        except (DataError, InputError):  # there is none, or none that is true: the table stands
            return None

    return result_markup(result, verb_of(result), chart)


def _as_shap(result: xr.Dataset, X: ArrayLike | None) -> shap.Explanation:
    Wanted(".rnnlens.shap", "explain", _SUMS).check(result)
    try:
        import shap  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingLibrary(
            "a shap.Explanation needs shap, which is not installed: pip install shap"
        ) from error
    contribution = result["contribution"]
    lags = _lag_names(result)
    if "feature" in contribution.dims:
        values = contribution.transpose("sample", "lag", "feature").values
        features = [str(name) for name in contribution["feature"].values]
        names = [f"{feature} {lag}" for lag in lags for feature in features]
    else:
        values = contribution.transpose("sample", "lag").values
        names = lags
    flat = values.reshape(len(values), -1)
    return shap.Explanation(
        values=flat,
        base_values=result["baseline_forecast"].values,
        data=_values_of(result, X, flat.shape),
        feature_names=names,
        output_names=str(result.attrs.get("target") or "forecast"),
    )


def _lag_names(result: xr.Dataset) -> list[str]:
    first = result["lag"].values
    last = result["lag_to"].values if "lag_to" in result.coords else first
    return [f"t-{a}" if a == b else f"t-{a} to t-{b}" for a, b in zip(first, last, strict=True)]


def _values_of(result: xr.Dataset, X: ArrayLike | None, shape: tuple[int, ...]) -> np.ndarray:
    """Give what stood at each lag and feature, newest first; NaN where no windows are given."""
    if X is None:
        return np.full(shape, np.nan)
    array = np.asarray(getattr(X, "original", X), dtype=np.float64)
    newest_first = array[:, ::-1] if array.ndim == 3 else array
    flat = newest_first.reshape(len(array), -1)
    if flat.shape != shape:
        raise DataError(
            f"X must be the windows that were explained, each feature at each lag, {shape} numbers "
            f"in all, not an array of shape {array.shape}: give what rnnlens.explain was given, "
            "or leave X out"
        )
    return flat
