"""From a check of a forecast to a labelled page."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from rnnlens.api.shared.labels.network_provenance import network_provenance
from rnnlens.checks.forecast.references import REFERENCES
from rnnlens.checks.forecast.verdict import CAUTIONS
from rnnlens.names import dimensions_of
from rnnlens.results.attributes import attributes
from rnnlens.results.label import label

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from rnnlens.api.shared.given.case import Case, NamedTarget
    from rnnlens.checks.forecast.check import ForecastCheck
    from rnnlens.checks.forecast.search import Fit

__all__ = ["PlainCheck", "labelled_check", "plain_check"]


class _About(Protocol):
    """What a check was made on."""

    @property
    def judged_on(self) -> str: ...
    @property
    def windows(self) -> int: ...
    @property
    def known(self) -> int: ...
    @property
    def seconds(self) -> float: ...
    @property
    def background(self) -> bool: ...


@dataclass(frozen=True, eq=False)
class PlainCheck:
    """A check as the sentences about it read one, without what makes a labelled page of it.

    Parameters
    ----------
    attrs : dict of str to value
        As those of the page.
    arrays : dict of str to array
        Its variables and coordinates.
    """

    attrs: Mapping[Hashable, object]
    arrays: dict[str, NDArray[np.generic]]

    def __contains__(self, name: object) -> bool:
        """Say whether the page has a variable or a coordinate."""
        return name in self.arrays

    def __getitem__(self, name: str) -> Plain:
        """Give one of them."""
        return Plain(self.arrays[name])


@dataclass(frozen=True, eq=False)
class Plain:
    """The numbers of a variable."""

    values: NDArray[np.generic]

    def __float__(self) -> float:
        """Give the one number that there is."""
        return float(self.values)


def plain_check(case: Case, target: NamedTarget, check: ForecastCheck, about: _About) -> PlainCheck:
    """Give a check for the sentences about it alone, which are few where nothing is judged."""
    if not check.judged and check.verdict not in CAUTIONS:
        known = {"judged": 0, "known": about.known, "cautioned": 0, "verdict": check.verdict}
        return PlainCheck({**known}, {})
    said = _attributes(case, target, check, about)
    attrs: dict[Hashable, object] = {**attributes(said)}
    variables = {name: np.asarray(getattr(check, name)) for name in dimensions_of(check)}
    return PlainCheck(attrs, variables | {k: np.array(v) for k, v in _coords(case, check).items()})


def labelled_check(
    case: Case, target: NamedTarget, check: ForecastCheck, about: _About
) -> xr.Dataset:
    """Label a check of a forecast: coordinates, attributes, and the remedies that are named."""
    extra = _attributes(case, target, check, about)
    return label(
        check,
        coords=_coords(case, check),
        attrs=network_provenance(case.network, method="check", extra=extra),
    )


def _coords(case: Case, check: ForecastCheck) -> dict[str, list[str]]:
    return {
        "reference": list(REFERENCES),
        # tokens have no mean and no range
        "feature": list(case.features)[: len(check.input_mean)],
        "layer": list(check.layers),
        "remedy": [fit.remedy.kind for fit in check.remedies],
    }


def _attributes(
    case: Case, target: NamedTarget, check: ForecastCheck, about: _About
) -> dict[str, object]:
    features = list(case.features)
    return {
        "kind": "forecast check",
        "target": target.name,
        "unit": target.unit,
        "verdict": check.verdict,
        "cautioned": check.verdict in CAUTIONS,
        "windows": about.windows,
        "known": about.known,
        "judged": check.judged,
        "measure": "RMSE" if check.squared else "MAE",
        "judged_on": about.judged_on,
        "mean_of": "the background" if about.background else "what happened",
        "season_of": check.season_of,
        "lead": _lead(case, target),
        "step": "" if case.windows is None else case.windows.step,
        "remedies": [_facts(fit, features, target.name) for fit in check.remedies],
        "leak": "" if check.leak is None else features[check.leak.feature],
        "leak_lag": 0 if check.leak is None else check.leak.lag,
        "leak_left": 0.0 if check.leak is None else check.leak.left,
        "seconds": round(about.seconds, 3),
    }


def _lead(case: Case, target: NamedTarget) -> int | str:
    """Give the lead of the target, its own where targets differ in it; empty where none is said."""
    windows = case.windows
    if windows is None:
        return ""
    if target.name not in windows.targets:
        return windows.lead
    return windows.lead_of(windows.targets.index(target.name))


def _facts(fit: Fit, features: list[str], target: str) -> dict[str, object]:
    """Give what a remedy is, features by their names."""
    remedy = fit.remedy
    return {
        "kind": remedy.kind,
        "inputs": remedy.inputs,
        "output": remedy.output,
        "lead": remedy.lead,
        "factor": remedy.factor,
        "order": [features[k] for k in remedy.order],
        "features": features if remedy.order else [],
        "by_place": remedy.by_place,
        "units": [
            [target if k < 0 else features[k], given, wanted] for k, given, wanted in remedy.units
        ],
        "error": fit.error,
        "stated": fit.stated,
    }
