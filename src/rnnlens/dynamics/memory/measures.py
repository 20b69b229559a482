"""Every measure of memory of one forecast, on one axis of lags.

Each measure that has a lag gives two: that within which half, and that within which 95 %, of what
it counts lies. A rate of decay r a step, of gates or of an exponent, has ``ln 2 / r`` and
``ln 20 / r``; a curve the first number of kept steps from which on it stays below a half, and
below a twentieth, of what it is where no step is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rnnlens.dynamics.memory.conformal import fewest_blocks, new_windows
from rnnlens.dynamics.memory.histories import (
    HistoryChanges,
    history_changes,
    why_not_shorter,
)
from rnnlens.dynamics.memory.jacobian_profile import JacobianProfile, jacobian_profile
from rnnlens.dynamics.memory.lyapunov import LyapunovSpectrum, lyapunov_spectra
from rnnlens.dynamics.memory.plan import planned, some_of
from rnnlens.dynamics.memory.question import MemoryQuestion
from rnnlens.dynamics.memory.result import MEASURES, ForecastMemory, LayerMemory
from rnnlens.dynamics.memory.settling import settles
from rnnlens.dynamics.memory.units import UnitMemory, unit_memories
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.schedule.threads import one_blas_thread
from rnnlens.names import counted, told

__all__ = ["Memory", "measure"]

#: Draws of the bootstrap.
DRAWS = 1000
#: Share of the error by which a shorter window may forecast worse.
WORSE = 0.05
#: From half of it to a twentieth of it, as times of a decay.
MOST_OF_IT = np.log(20) / np.log(2)

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Memory:
    """All measures, what is known besides, and why measures are not given.

    Parameters
    ----------
    forecast : ForecastMemory
        What is by lag.
    layers : mapping of str to LayerMemory
        What is by unit.
    kept : array of int (kept,)
        The numbers of newest steps that were kept.
    about : dict of str to number or str
        ``tolerance``, ``warm_up`` (kept steps from which on the mean change of a forecast with no
        history stays within it), ``horizon`` (those from which on that of a new window does,
        whatever the history), ``block`` (windows of
        one), ``blocks``, ``dependence`` (windows over which changes depend on one another),
        ``windows_asked``, ``histories``, ``way``, ``full_error``, ``precision`` in which histories
        were replaced, and the ``rounding`` of single precision in the forecast's change.
    missing : dict of str to str
        By measure, in a sentence.
    """

    forecast: ForecastMemory
    layers: dict[str, LayerMemory]
    kept: NDArray[np.int64]
    about: dict[str, float | int | str]
    missing: dict[str, str] = field(default_factory=dict)


class _Page:
    """What is found, measure by measure."""

    def __init__(self) -> None:
        self.lags = {name: np.full(4, np.nan) for name in MEASURES}
        self.about: dict[str, float | int | str] = {}
        self.missing: dict[str, str] = {}

    def rate(self, name: str, half: float, low: float = np.nan, high: float = np.nan) -> None:
        """Note a decay by its half-life, with its interval."""
        self.lags[name] = np.array([half, *(MOST_OF_IT * np.array([half, low, high]))])


@one_blas_thread()
def measure(
    question: MemoryQuestion,
    full: Array,
    actual: Array | None,
    *,
    tolerance: float,
    histories: int = 64,
    kept: NDArray[np.int64] | None = None,
    progress: Progress | None = None,
) -> Memory:
    """Measure memory in every way that is defined: full, actual (sample,), kept (kept,)."""
    page = _Page()
    page.about["tolerance"] = tolerance
    profile = _derivative(question, page)
    layers = _layers(question, page)
    question, first, rounding = planned(question, full, kept, histories, tolerance)
    full, actual = full[first:], None if actual is None else actual[first:]
    changes = history_changes(question, full, progress)
    page.about["way"] = changes.way
    page.about["precision"] = "float64" if rounding is None else "float32"
    if rounding is not None:
        page.about["rounding"] = rounding
    asked = np.flatnonzero(~np.isnan(changes.largest[-1]))
    # a history is not replaced by itself
    asked = asked[~np.isin(asked, question.histories)] if len(asked) > 1 else asked
    page.about |= {"windows_asked": len(asked), "histories": len(question.histories)}
    curves = _curves(question, page, changes, full, asked)
    bound = _bounds(question, page, changes, asked, tolerance)
    error = _truncation(question, page, changes, full, actual)
    lags = np.stack([page.lags[name] for name in MEASURES], axis=1)
    forecast = ForecastMemory(
        **({} if profile is None else _profile_fields(profile)),
        **curves,
        bound=bound,
        truncation_error=error,
        within_half=lags[0],
        within_most=lags[1],
        low=lags[2],
        high=lags[3],
    )
    return Memory(forecast, layers, question.kept, page.about, page.missing)


def _profile_fields(profile: JacobianProfile) -> dict[str, Array]:
    return {
        "sensitivity": profile.sensitivity,
        "share": profile.share,
        "share_low": profile.share_low,
        "share_high": profile.share_high,
        "cumulative_share": np.cumsum(profile.share),
    }


def _derivative(question: MemoryQuestion, page: _Page) -> JacobianProfile | None:
    if question.tokens:
        page.missing["derivative"] = told("the input holds tokens, which have no derivative")
        return None
    profile = jacobian_profile(question, DRAWS)
    half, most = profile.within_half, profile.within_most
    page.lags["derivative"] = np.array([half[0], *most])
    return profile


def _layers(question: MemoryQuestion, page: _Page) -> dict[str, LayerMemory]:
    """Give what is by unit, and the longest of it as lags."""
    looked = some_of(question)
    units = unit_memories(looked)
    spectra = lyapunov_spectra(question, DRAWS) if units else {}
    if not units:
        cell = told("no recurrent layer's cell has a name, so its gates and its step are not known")
        page.missing |= dict.fromkeys(("gates", "exponents"), cell)
        return {}
    page.about["windows_of_cells"] = len(looked.x)
    _slowest_gate(units, page)
    slowest = max(spectra.values(), key=lambda one: one.exponents[0])
    page.about["steps_of_exponents"] = slowest.steps
    ends = [slowest.exponents[0], slowest.low[0], slowest.high[0]]
    page.rate("exponents", *(_half_of(float(rate)) for rate in ends))
    return {name: _layer(one, spectra[name]) for name, one in units.items()}


def _slowest_gate(units: dict[str, UnitMemory], page: _Page) -> None:
    read = [one.half_life[one.read] for one in units.values()]
    known = np.concatenate(read) if read else np.zeros(0)
    known = known[~np.isnan(known)]
    if len(known):
        page.rate("gates", float(known.max()))
        return
    gated = any(np.isfinite(one.half_life).any() for one in units.values())
    page.missing["gates"] = (
        told("the forecast reads no unit that has a gate over its state")
        if gated
        else told("the recurrent layers have no gate that says how much of the state is kept")
    )


def _half_of(rate: float) -> float:
    """Give the half-life of an exponent: infinite where it does not decay."""
    return np.inf if rate >= 0 else float(np.log(2) / -rate)


def _layer(units: UnitMemory, spectrum: LyapunovSpectrum) -> LayerMemory:
    return LayerMemory(
        half_life=units.half_life,
        influence=units.influence,
        read=units.read,
        lyapunov=spectrum.exponents,
        lyapunov_low=spectrum.low,
        lyapunov_high=spectrum.high,
    )


def _curves(
    question: MemoryQuestion, page: _Page, changes: HistoryChanges, full: Array, asked: np.ndarray
) -> dict[str, Array]:
    """Average changes over windows, and say where they have faded."""
    # where no step is kept, the forecast is that of the history
    none = np.abs(full[question.histories][:, None] - full[asked]).mean(axis=0)
    curves = {}
    given = {"cut": changes.cut, "replaced": changes.mean}
    for name, by_window in given.items():
        if by_window is None:
            why = why_not_shorter(question)
            page.missing |= {name: why, "truncation": why}
            continue
        own = by_window[:, asked]
        if not none.any():
            page.missing[name] = told("no other window with another forecast came to compare with")
            continue
        curves[f"{name}_change"] = own.mean(axis=1)
        weights = question.drawn_blocks(own[0], DRAWS, 4)
        drawn = (own @ weights.T) / np.maximum(weights @ none, np.finfo(float).tiny)
        ratio = own.mean(axis=1) / max(none.mean(), np.finfo(float).tiny)
        settled = settles(drawn, question.kept, 0.05)
        ends = np.quantile(settled, question.tails, method="inverted_cdf")
        half, most = (float(settles(ratio, question.kept, part)) for part in (0.5, 0.05))
        page.lags[name] = np.array([half, most, *ends])
        if name == "cut":
            limit = float(page.about["tolerance"])
            page.about["warm_up"] = float(settles(own.mean(axis=1), question.kept, limit))
    return curves


def _bounds(
    question: MemoryQuestion,
    page: _Page,
    changes: HistoryChanges,
    asked: np.ndarray,
    tolerance: float,
) -> Array | None:
    """Bound the change of a new window's forecast for each number of kept steps."""
    fewest = fewest_blocks(question.alpha)
    if len(asked) < fewest:
        page.missing["any history"] = counted(
            len(asked),
            "a bound on new windows needs {fewest} blocks of windows beside the histories, and "
            "there is {count} window",
            "a bound on new windows needs {fewest} blocks of windows beside the histories, and "
            "there are {count} windows",
            fewest=fewest,
        )
        return None
    new = new_windows(
        changes.largest[:, asked], question.kept, tolerance, question.alpha, question.block
    )
    page.about |= {"block": new.block, "blocks": new.blocks, "dependence": new.dependence}
    page.about["horizon"] = page.lags["any history"][1] = new.horizon
    return new.bounds


def _truncation(
    question: MemoryQuestion,
    page: _Page,
    changes: HistoryChanges,
    full: Array,
    actual: Array | None,
) -> Array | None:
    """Follow the forecast's error against the length of the window that is fed."""
    if changes.short is None:
        return None
    if actual is None or not np.isfinite(actual).any():
        page.missing["truncation"] = told("it is not known what happened: give y")
        return None
    known = np.isfinite(actual) & ~np.isnan(changes.short[-1])
    if not known.any():
        page.missing["truncation"] = told("it is not known what happened after the windows asked")
        return None
    errors = np.abs(changes.short[:, known] - actual[known]).mean(axis=1)
    whole = float(np.abs(full[known] - actual[known]).mean())
    page.about["full_error"] = whole
    limit = (1 + WORSE) * whole
    page.lags["truncation"][1] = float(settles(errors, question.kept, limit))
    return errors
