"""What may have gone wrong on the way from a series to a network, as things that can be tried."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, permutations
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.checks.forecast.scalings import Line, of_data, restated
from rnnlens.checks.forecast.units import conversions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from rnnlens.checks.forecast.data import ForecastData, Series

    Array = NDArray[np.float64]

__all__ = ["Remedy", "Try", "orders", "tries"]

#: Features up to which all orders of the columns are tried; above, exchanges of two and turns.
ALL_ORDERS = 5
#: How many rows apart the steps of a window may have been, or rows to a step.
FACTORS = (2, 3, 4, 6, 12, 24)


@dataclass(frozen=True)
class Remedy:
    """One thing that would be done otherwise.

    Parameters
    ----------
    kind : {"lead", "step", "steps reversed", "columns", "scaling", "units"}
        What.
    inputs, output : str
        The scaling of the inputs and of the forecast, a name of `scalings`; ``"stated"`` as it is.
    lead : int or None
        Rows from the newest one taken to the one forecast; None as it is.
    factor : float
        Rows from one step of a window to the next.
    order : tuple of int
        Which stated column goes into each place; empty for the stated order.
    by_place : bool
        Whether scalings stay at their places where columns move.
    units : tuple of (int, str, str)
        Features, the unit that they are in and the one that the network knows; -1 is the target.
    """

    kind: str
    inputs: str = "stated"
    output: str = "stated"
    lead: int | None = None
    factor: float = 1.0
    order: tuple[int, ...] = ()
    by_place: bool = False
    units: tuple[tuple[int, str, str], ...] = ()


@dataclass(frozen=True, eq=False)
class Try:
    """One run of the network, and what may be made of its outputs.

    Parameters
    ----------
    values : array (sample, step, feature) or None
        In network units; None for the windows as they are.
    index : tuple of int
        The number of the output.
    made : tuple of (Remedy, Line)
        What each remedy makes of the outputs: ``forecast = output * scale + offset``.
    actual : array (sample,) or None
        What happened then, where that is another time.
    """

    values: Array | None
    index: tuple[int, ...]
    made: tuple[tuple[Remedy, Line], ...]
    actual: Array | None = None


def tries(
    data: ForecastData, like: ForecastData, rows: Series | None, history: Series | None, most: int
) -> Iterator[Try]:
    """Give what is tried, the least far-fetched first; `like` are what scalings come from."""
    yield from _scalings(data, like)
    yield from _units(data, like)
    yield from _steps(data, rows, history)
    if data.original is not None:
        stated = Line(data.target.scale, data.target.offset)
        remedy = Remedy("steps reversed")
        yield Try(data.values[:, ::-1], data.target.index, ((remedy, stated),))
    yield from _orders(data, most)


def _scalings(data: ForecastData, like: ForecastData) -> Iterator[Try]:
    """Try other scalings of the inputs, and of the forecast with each."""
    if data.original is None or like.original is None:
        return
    outputs = _output_lines(data, like)
    inputs: dict[str, tuple[Array, Array]] = restated(data.mean, data.scale)
    inputs |= of_data(like.original)
    yield Try(None, data.target.index, _made("stated", outputs))
    seen = [(data.mean, data.scale)]
    kept = np.isin(np.arange(len(data.mean)), data.held)  # calendars and markers are not doubted
    for name, (means, scales) in inputs.items():
        mean, scale = np.where(kept, data.mean, means), np.where(kept, data.scale, scales)
        if any(np.allclose(mean, m) and np.allclose(scale, s) for m, s in seen):
            continue
        seen.append((mean, scale))
        yield Try((data.original - mean) / scale, data.target.index, _made(name, outputs))


def _made(inputs: str, outputs: dict[str, Line]) -> tuple[tuple[Remedy, Line], ...]:
    return tuple(
        (Remedy("scaling", inputs, name), line)
        for name, line in outputs.items()
        if not (inputs == name == "stated")
    )


def _output_lines(data: ForecastData, like: ForecastData) -> dict[str, Line]:
    """Give the lines that may lead from an output to the target's own unit, each once."""
    offset, scale = np.array([data.target.offset]), np.array([data.target.scale])
    lines = {"stated": Line(data.target.scale, data.target.offset)}
    others = restated(offset, scale)
    known = like.actual[np.isfinite(like.actual)]
    if len(known) < 2:
        known = data.actual[np.isfinite(data.actual)]
    if data.own is not None:
        own = slice(data.own, data.own + 1)
        others["feature"] = (data.mean[own], data.scale[own])
    others |= of_data(known[:, None])
    for name, (mean, width) in others.items():
        line = Line(float(width[0]), float(mean[0]))
        if not any(np.allclose(line, other) for other in lines.values()):
            lines[name] = line
    return lines


def _units(data: ForecastData, like: ForecastData) -> Iterator[Try]:
    """Try the conversions of units that bring features to where a scaler puts them."""
    if data.original is None or like.original is None:
        return
    values = like.original
    chosen = {
        k: best
        for k in range(values.shape[2])
        if k not in data.held
        and (best := conversions(values[..., k], data.mean[k], data.scale[k], _unit(data, k)))
    }
    known = like.actual[np.isfinite(like.actual)]
    target = chosen.get(data.own) if data.own is not None else None
    if data.own is None and len(known):
        target = conversions(known, data.target.offset, data.target.scale, _unit(data, -1))
    dimensions = {one.dimension for one in chosen.values()}
    for wanted in [dimensions, *({one} for one in dimensions if len(dimensions) > 1)]:
        some = {k: one for k, one in chosen.items() if one.dimension in wanted}
        if not some:
            continue
        original = data.original.copy()
        for k, one in some.items():
            original[:, :, k] = original[:, :, k] * one.factor + one.shift
        line = Line(data.target.scale, data.target.offset)
        units = tuple((k, one.given, one.wanted) for k, one in some.items())
        if target is not None and target.dimension in wanted:
            back = 1 / target.factor
            line = Line(line.scale * back, (line.offset - target.shift) * back)
            if data.own is None:
                units += ((-1, target.given, target.wanted),)
        made = ((Remedy("units", units=units), line),)
        yield Try((original - data.mean) / data.scale, data.target.index, made)


def _unit(data: ForecastData, feature: int) -> str:
    return data.units[feature] if data.units else ""


def _steps(data: ForecastData, rows: Series | None, history: Series | None) -> Iterator[Try]:
    """Try steps that are several rows long, or rows that are several steps long."""
    if rows is None or history is None or data.places is None or data.original is None:
        return
    lead, back = data.lead, np.arange(data.original.shape[1] - 1, -1, -1)
    for factor in [*FACTORS, *(1 / one for one in FACTORS[:4])]:
        original = rows.between((data.places.issued[:, None] - back * factor).astype(float))
        there = np.asarray(np.isfinite(original).all(axis=(1, 2)))
        if there.mean() < 0.5:
            continue
        values = (np.where(there[:, None, None], original, 0) - data.mean) / data.scale
        for ahead in dict.fromkeys((lead * factor, float(lead))):
            if ahead < 1 and lead:  # what lies between the newest row and the next is half known
                continue
            actual = history.between((data.places.issued + ahead).astype(float))
            actual[~there] = np.nan
            whole = round(ahead) if ahead == round(ahead) else None
            remedy = Remedy("step", factor=factor, lead=whole)
            line = Line(data.target.scale, data.target.offset)
            yield Try(values, data.target.index, ((remedy, line),), actual)


def orders(features: int) -> list[tuple[int, ...]]:
    """Give orders of columns: all of few, else all reversed, one moved to an end, two exchanged."""
    plain = tuple(range(features))
    if features <= ALL_ORDERS:
        return [one for one in permutations(plain) if one != plain]
    ends = [(k, *(j for j in plain if j != k)) for k in plain]
    ends += [(*(j for j in plain if j != k), k) for k in plain]
    pairs = []
    for i, j in combinations(plain, 2):
        order = list(plain)
        order[i], order[j] = j, i
        pairs.append(tuple(order))
    return [one for one in dict.fromkeys([plain[::-1], *ends, *pairs]) if one != plain]


def _orders(data: ForecastData, most: int) -> Iterator[Try]:
    """Try other orders of the columns, their scalings with them or at their places."""
    if data.original is None:
        return
    for order in orders(data.original.shape[2])[:most]:
        taken = list(order)
        index, places = data.target.index, [data.target.index]
        if data.targets is not None and data.own is not None and taken.index(data.own) != data.own:
            places.append((*index[:-1], taken.index(data.own)))
        moved = data.values[:, :, taken]
        stayed = (data.original[:, :, taken] - data.mean) / data.scale
        same = np.allclose(data.mean[taken], data.mean) and np.allclose(
            data.scale[taken], data.scale
        )
        for place in places:
            line = Line(data.target.scale, data.target.offset)
            yield Try(moved, place, ((Remedy("columns", order=order), line),))
            if same:
                continue
            if place != index and data.targets is not None:
                line = Line(*map(float, data.targets[place[-1]][::-1]))
            remedy = Remedy("columns", order=order, by_place=True)
            yield Try(stayed, place, ((remedy, line),))
