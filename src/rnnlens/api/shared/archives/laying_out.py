"""The labelled arrays of a result: what its axes, coordinates and numbers are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.api.shared.labels.network_provenance import network_provenance
from rnnlens.attribution.registry import METHODS as KNOWN
from rnnlens.bulk.arrays import Layout, Variable
from rnnlens.bulk.methods import of_a_window, variable_of, words_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.api.shared.archives.planning import Plan

__all__ = ["layout_of"]

_NANOSECONDS = 1_000_000_000


def layout_of(plan: Plan) -> Layout:
    """Say what arrays hold the result of a plan."""
    job, source = plan.job, plan.job.cutter.source
    leads, window = _leads(plan), job.cutter.sidecar.window
    lead = _lead(plan, leads)
    features = np.array(job.cutter.sidecar.feature_names, object)
    variables = _numbers(plan) | _of_time(plan, lead, leads) | _of_targets(plan, leads)
    said = {"long_name": "lag (1 = newest step fed in)"}
    variables["lag"] = Variable(("lag",), "int64", said, np.arange(1, window + 1))
    variables["feature"] = Variable(("feature",), "text", {}, features)
    if source.stations is not None:
        names = np.array(source.stations, object)
        said = {"long_name": source.station_name}
        variables["station"] = Variable(("station",), "text", said, names)
        for name in set(known_of_stations(plan)) - set(variables):
            variables[name] = _of_stations(source.of_stations[name])
    return Layout(
        job.manifest.grid,
        source.stations is not None,
        {"lag": window, "feature": len(features)}
        | {axis: len(values) for axis, values in plan.targets.along.items()},
        dict(sorted(variables.items())),
        _attributes(plan, lead),
    )


def known_of_stations(plan: Plan) -> list[str]:
    """Name what the result holds of each station besides its name."""
    return [name for name in plan.job.cutter.source.of_stations if name.isidentifier()]


def _numbers(plan: Plan) -> dict[str, Variable]:
    """Lay out what blocks give."""
    method = plan.job.manifest.settings["method"]
    variable, words = variable_of(method), words_of(method)
    name, unit = plan.targets.name, plan.targets.unit or "network units"
    along = tuple(plan.targets.along)
    stations = plan.job.cutter.source.stations is not None
    before = ("station", "time") if stations else ("time",)
    said = {"units": unit, "coordinates": " ".join(_beside(plan))}
    titles = {
        "forecast": f"forecast of {name}",
        "baseline_forecast": f"forecast of {name} for the baseline",
        "residual": f"what the {words.several} leave unexplained",
    }
    found = {
        one: Variable((*before, *along), "float64", {"long_name": titles[one]} | said)
        for one in of_a_window(method)
    }
    if variable == "sensitivity":
        said = said | {"units": f"{'1' if unit == '-' else unit} per network unit"}
    found[variable] = Variable(
        (*before, "lag", "feature", *along),
        plan.job.manifest.settings["dtype"],
        {"long_name": f"{words.one} {words.towards} {name}"} | said,
    )
    return found


def _of_time(plan: Plan, lead: int, leads: list[int] | None) -> dict[str, Variable]:
    cutter = plan.job.cutter
    title = "time that the forecast is for"
    if leads is not None and max(leads) > lead:
        title = "time that the forecast with the shortest lead is for"
    issued = np.arange(cutter.source.rows) if cutter.times is None else cutter.times
    return {
        "time": _moments(cutter.forecast_times(lead), title),
        "issued": _moments(issued, "time of the newest step fed in"),
    }


def _leads(plan: Plan) -> list[int] | None:
    """Give the lead of each target, where they are known."""
    return None if plan.case.windows is None else plan.targets.leads(plan.case.windows)


def _lead(plan: Plan, leads: list[int] | None) -> int:
    """Give the shortest lead of the targets, or of all that there are where none is known."""
    sidecar = plan.job.cutter.sidecar
    return min(leads or ([sidecar.lead] if plan.case.windows is None else sidecar.leads))


def _beside(plan: Plan) -> list[str]:
    """Name the coordinates that no axis is called by."""
    return ["issued", *_of_each(plan, _leads(plan)), *known_of_stations(plan)]


def _of_each(plan: Plan, leads: list[int] | None) -> list[str]:
    """Name what is said of each of several targets."""
    if not plan.targets.along:
        return []
    return ["unit"] if leads is None else ["lead", "unit"]


def _of_targets(plan: Plan, leads: list[int] | None) -> dict[str, Variable]:
    """Lay out what several targets are called, and what of each is its own."""
    targets = plan.targets
    if not targets.along:
        return {}
    axes, shape = tuple(targets.along), tuple(map(len, targets.along.values()))
    units = np.array([one.unit for one in targets.each], object).reshape(shape)
    said = {"long_name": "steps from the newest step fed in to the one that is forecast"}
    found = {"unit": Variable(axes, "text", {}, units)}
    if leads is not None:
        found["lead"] = Variable(axes, "int64", said, np.array(leads, np.int64).reshape(shape))
    for axis, values in targets.along.items():
        text = isinstance(values[0], str)
        own = np.array(values, object if text else np.int64)
        found[axis] = Variable((axis,), "text" if text else "int64", {}, own)
    return found


def _attributes(plan: Plan, lead: int) -> dict[str, Any]:
    settings, sidecar = plan.job.manifest.settings, plan.job.cutter.sidecar
    said = network_provenance(
        plan.job.network,
        method=settings["method"],
        settings={"identity": plan.job.manifest.identity},
        extra=plan.about
        | {
            "kind": KNOWN[settings["method"]].kind,
            "shows": variable_of(settings["method"]),
            "step": sidecar.step_text,
            "lead": lead,
            "Conventions": "CF-1.11",
        },
    )
    del said["created"]  # the same question gives the same bytes
    # JSON, in which a group's attributes are kept, has no NaN
    return {key: "" if value != value else value for key, value in said.items()}  # noqa: PLR0124


def _moments(values: NDArray[Any], title: str) -> Variable:
    """Lay out times as CF does, or numbers of rows."""
    said: dict[str, Any] = {"long_name": title}
    if values.dtype.kind != "M":
        return Variable(("time",), "int64", said, values.astype(np.int64))
    numbers = values.astype("datetime64[ns]").astype(np.int64)
    known = ~np.isnat(values)
    whole = not (numbers[known] % _NANOSECONDS).any()
    if whole:
        numbers = np.where(known, numbers // _NANOSECONDS, np.iinfo(np.int64).min)
    said |= {
        "units": f"{'seconds' if whole else 'nanoseconds'} since 1970-01-01",
        "calendar": "proleptic_gregorian",
    }
    if not known.all():
        said["_FillValue"] = int(np.iinfo(np.int64).min)
    return Variable(("time",), "int64", said, numbers)


def _of_stations(values: NDArray[Any]) -> Variable:
    if values.dtype.kind in "iu":
        return Variable(("station",), "int64", {}, values.astype(np.int64))
    if values.dtype.kind == "f":
        return Variable(("station",), "float64", {}, values.astype(np.float64))
    return Variable(("station",), "text", {}, values.astype(str).astype(object))
