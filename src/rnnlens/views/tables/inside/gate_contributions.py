"""Which gate carried a forecast's change, as a table: a row a lag, a column a gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.tables.explanation import aligned
from rnnlens.views.tables.inside.gate_names import gate_name
from rnnlens.views.tables.plain import Row, plain_attributes
from rnnlens.views.tables.stated import with_origin
from rnnlens.views.tables.summary import target_and_unit, time_text
from rnnlens.views.words.inside.weights import gate_text
from rnnlens.views.words.language import say
from rnnlens.views.words.origin import attribute_text
from rnnlens.views.words.units import unit_text, with_unit

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Group

__all__ = ["gate_contributions_summary", "gate_contributions_view"]

#: Lags that have a row of their own, where there are more; the others are summed.
ONE_BY_ONE = 24
#: Units that are named, those that carried most.
NAMED = 3
#: The part of a forecast that is rounding, in double precision over a few hundred steps.
ROUNDING = 1e-9


def _axis(carried: xr.Dataset) -> str:
    """Name the axis of steps: lags, or steps ahead where the layer reads a known future."""
    return "lag" if "lag" in carried.dims else "ahead"


def _means(carried: xr.Dataset, *over: str) -> np.ndarray:
    """Average over windows what is summed over some axes: steps first, then gates or units."""
    values = carried["contribution"].sum(list(over)).mean("sample")
    order = [name for name in (_axis(carried), "gate", "unit") if name in values.dims]
    return values.transpose(*order).values


def gate_contributions_summary(carried: xr.Dataset) -> Row:
    """Give a result of ``gate_contributions``, averaged over windows, as a plain dict for JSON."""
    axis = _axis(carried)
    gates = [str(gate) for gate in carried["gate"].values]
    rows = [
        {axis: int(step), **dict(zip(gates, map(float, values), strict=True))}
        for step, values in zip(carried[axis].values, _means(carried, "unit"), strict=True)
    ]
    return {
        **plain_attributes(carried.attrs),
        "samples": int(carried.sizes["sample"]),
        **{
            f"mean_{name}": float(carried[name].mean())
            for name in ("forecast", "baseline_forecast", "elsewhere")
        },
        "steps": rows,
        "gates": dict(zip(gates, map(float, _means(carried, axis, "unit")), strict=True)),
        "units": [float(value) for value in _means(carried, axis, "gate")],
        "sentences": _sentences(carried),
    }


@with_origin
def gate_contributions_view(carried: xr.Dataset) -> Group:
    """Show for the terminal what each gate carried at each lag, units summed."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table

    axis, values = _axis(carried), _means(carried, "unit")
    steps = [str(int(step)) for step in carried[axis].values]
    if len(steps) > ONE_BY_ONE + 1:
        older = f"{steps[ONE_BY_ONE]}–{steps[-1]}"
        rest = values[ONE_BY_ONE:].sum(axis=0, keepdims=True)
        steps, values = [*steps[:ONE_BY_ONE], older], np.concatenate([values[:ONE_BY_ONE], rest])
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(say("lag") if axis == "lag" else say("step ahead"), justify="right")
    for heading in (*map(gate_name, carried["gate"].values), say("sum")):
        table.add_column(heading, justify="right")
    every = np.concatenate([values, values.sum(axis=0, keepdims=True)])
    every = np.concatenate([every, every.sum(axis=1, keepdims=True)], axis=1)
    texts = [*aligned(every[:-1].ravel()), *aligned(every[-1])]
    for step, row in zip([*steps, say("all")], np.array(texts).reshape(every.shape), strict=True):
        table.add_row(step, *row, end_section=step == steps[-1])
    samples = carried.sizes["sample"]
    target, unit = target_and_unit(carried)
    heading = say(
        "What each gate carried of the change of {target}{unit}, {which}",
        target=target,
        unit=unit,
        which=say("means over {samples:,} windows", samples=samples)
        if samples > 1
        else time_text(carried, 0),
    )
    return Group(heading, table, *_sentences(carried))


def _sentences(carried: xr.Dataset) -> list[str]:
    """Say what the numbers sum to, and which gate and units carried most."""
    return [
        _summed(carried),
        *_most(carried),
        say(
            "Exact Shapley values of gate and step at the values that the gates took: they say "
            "which gate carried the change, not which input moved it."
        ),
    ]


def _summed(carried: xr.Dataset) -> str:
    attrs = carried.attrs
    forecast, base, rest = (
        float(carried[name].mean()) for name in ("forecast", "baseline_forecast", "elsewhere")
    )
    largest = float(np.abs(carried["elsewhere"].values).max())
    if largest <= ROUNDING * max(abs(forecast), abs(base)):
        parts = say("all of it is carried by the gates of {layer}", layer=attrs["layer"])
    else:
        parts = say(
            "the gates of {layer} carry {own} of it, and {other} passes elsewhere",
            layer=attrs["layer"],
            own=with_unit(f"{forecast - base - rest:+.4g}", attrs.get("unit")),
            other=with_unit(f"{rest:+.2g}", attrs.get("unit")),
        )
    values = {
        "forecast": forecast,
        "base": base,
        "baseline": attribute_text(attrs, "baseline"),
        "change": with_unit(f"{forecast - base:+.4g}", attrs.get("unit")),
        "parts": parts,
    }
    if carried.sizes["sample"] > 1:
        return say(
            "Mean forecast {forecast:.5g} against {base:.5g} for the baseline {baseline}: "
            "{change}; {parts}.",
            **values,
        )
    return say(
        "Forecast {forecast:.5g} against {base:.5g} for the baseline {baseline}: {change}; "
        "{parts}.",
        **values,
    )


def _most(carried: xr.Dataset) -> list[str]:
    """Name the gate and the units that carried most, where anything moved."""
    axis, unit = _axis(carried), carried.attrs.get("unit")
    sizes = np.abs(carried["contribution"].transpose("gate", ...).values).sum(axis=(1, 2, 3))
    most = int(sizes.argmax())
    if not sizes[most] > 0:
        return []
    net = with_unit(_signed(float(_means(carried, axis, "unit")[most])), unit)
    units = _means(carried, axis, "gate")
    chosen = np.argsort(-np.abs(units), kind="stable")[:NAMED]
    named = say(", ").join(
        f"{carried['unit'].values[k]} ({_signed(float(units[k]))})" for k in chosen
    )
    return [
        say(
            "By size, the {gate} carried {share:.0f} % of what moved ({net} net).",
            gate=_gate_in_sentence(str(carried["gate"].values[most])),
            share=100 * sizes[most] / sizes.sum(),
            net=net,
        ),
        say("Units that carried most: {named}, each in {unit}.", named=named, unit=unit_text(unit))
        if unit_text(unit)
        else say("Units that carried most: {named}.", named=named),
    ]


def _gate_in_sentence(gate: str) -> str:
    """Name a gate; one of those that are written is called by what it writes."""
    named = {
        "cell": say("cell gate"),
        "candidate": say("candidate gate"),
        "hidden": say("hidden gate"),
    }
    return named[gate] if gate in named else gate_text(gate)


def _signed(value: float) -> str:
    return f"{value:+.3g}"
