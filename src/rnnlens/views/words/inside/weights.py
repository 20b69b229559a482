"""What the weights of recurrent layers say, and how two networks differ, in plain sentences."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.names import CANDIDATES
from rnnlens.views.tables.plain import Attributes
from rnnlens.views.words.explanation import percent
from rnnlens.views.words.language import listed, many, marked, phrase, say
from rnnlens.views.words.origin import each_text

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["comparison_sentences", "gate_of", "gate_text", "layer_nodes", "summary_sentences"]

#: Units that are named one by one; of more, the number is said.
NAMED = 8
#: The part of all influence that the units are said to carry.
HALF = 0.5
#: Correlation of hidden states from which on two units do the same over the data.
SAME = 1 - 1e-6
#: Distance of incoming weights up to which two units are the same: arrays are float32.
EQUAL = 1e-6
#: Gates by their names in a result.
GATES = {
    "input": marked("input gate"),
    "forget": marked("forget gate"),
    "output": marked("output gate"),
    "update": marked("update gate"),
    "reset": marked("reset gate"),
    "hidden": marked("hidden state"),
}
#: What units of two networks are matched by.
MATCHED_BY = (marked("incoming weights"), marked("hidden states"))


def layer_nodes(tree: xr.DataTree) -> list[xr.Dataset]:
    """Give the layers of a result, in the network's order."""
    nodes = [node.to_dataset() for node in tree.subtree if "spectral_radius" in node]
    order = json.loads(str(tree.attrs["layers"]))
    return sorted(nodes, key=lambda node: order.index(node.attrs["layer"]))


def gate_text(gate: str) -> str:
    """Name a gate; a candidate is none.

    Examples
    --------
    >>> gate_text("forget"), gate_text("cell"), gate_text("candidate"), gate_text("hidden")
    ('forget gate', 'candidate', 'candidate', 'hidden state')
    """
    if gate in GATES:
        return phrase(GATES[gate])
    return say("candidate") if gate in CANDIDATES else say("{name} gate", name=gate)


def gate_of(node: xr.Dataset, gate: str) -> str:
    """Name a gate with its layer."""
    return say("{layer}, {gate}", layer=node.attrs["layer"], gate=gate_text(gate))


def summary_sentences(tree: xr.DataTree) -> list[str]:
    """Say of each layer what stands out."""
    return [said for node in layer_nodes(tree) for said in _of_layer(node, tree.attrs)]


def _of_layer(node: xr.Dataset, attrs: Attributes) -> Iterator[str]:
    layer, units = str(node.attrs["layer"]), node.sizes["unit"]
    widest = int(node["recurrent_spectral"].values.argmax())
    gate = str(node["gate"].values[widest])
    yield say(
        "{layer}: the largest recurrent kernel is that of the {gate}, with a spectral norm of "
        "{norm:.3g} and a spectral radius of {radius:.3g}.",
        layer=layer,
        gate=gate_text(gate),
        norm=float(node["recurrent_spectral"][widest]),
        radius=float(node["spectral_radius"][widest]),
    )
    yield from _copied(node, layer)
    if "saturated" not in node:
        return
    yield from _gates(node, layer)
    dead = np.flatnonzero(node["dead"].values)
    if len(dead):
        yield _dead(node, dead, {"layer": layer, "named": _units(dead), "units": units})
    else:
        yield say(
            "{layer}: each of the {units} units moves the forecast.", layer=layer, units=units
        )
    yield from _same_states(node, layer)
    yield from _influence(node, layer, str(attrs.get("target") or say("the forecast")))


def _units(numbers: Sequence[int] | np.ndarray) -> str:
    """Name units by number, or count them.

    Examples
    --------
    >>> _units([3]), _units([3, 5, 7]), _units(range(20))
    ('unit 3', 'units 3, 5 and 7', '20 units')
    """
    texts = [str(int(number)) for number in numbers]
    if len(texts) > NAMED:
        return many(len(texts), "{count} unit", "{count} units")
    return many(len(texts), "unit {numbers}", "units {numbers}", numbers=listed(texts))


def _dead(node: xr.Dataset, dead: np.ndarray, values: dict[str, object]) -> str:
    """Say which units never move the forecast, and why where it is known."""
    if "constant" not in node:
        return many(
            len(dead),
            "{layer}: {named} of {units} never moves the forecast.",
            "{layer}: {named} of {units} never move the forecast.",
            **values,
        )
    still = int(node["constant"].values[dead].sum())
    if still == len(dead):
        return many(
            len(dead),
            "{layer}: {named} of {units} never moves the forecast, for the state is the same in "
            "all windows.",
            "{layer}: {named} of {units} never move the forecast, for the state is the same in "
            "all windows.",
            **values,
        )
    if not still:
        return many(
            len(dead),
            "{layer}: {named} of {units} never moves the forecast, for nothing reads what the "
            "state holds.",
            "{layer}: {named} of {units} never move the forecast, for nothing reads what the "
            "state holds.",
            **values,
        )
    return say(
        "{layer}: {named} of {units} never move the forecast: {still} are the same in all "
        "windows, the rest is not read.",
        still=still,
        **values,
    )


def _copied(node: xr.Dataset, layer: str) -> Iterator[str]:
    of, sign = node["copy_of"].values, node["copy_sign"].values
    for unit in np.flatnonzero(of >= 0)[:NAMED]:
        values = {"layer": layer, "unit": unit, "other": of[unit]}
        yield (
            say("{layer}: unit {unit} is a copy of unit {other}, by its weights.", **values)
            if sign[unit] > 0
            else say(
                "{layer}: unit {unit} is a copy of unit {other} with the other sign, by its "
                "weights.",
                **values,
            )
        )
    more = int((of >= 0).sum()) - NAMED
    if more > 0:
        yield say(
            "{layer}: {more} more units are copies of others, by their weights.",
            layer=layer,
            more=more,
        )


def _gates(node: xr.Dataset, layer: str) -> Iterator[str]:
    """Say how open the valves are, and how saturated the candidate is."""
    for gate in node["gate"].values:
        one = node.sel(gate=gate)
        values = {"layer": layer, "gate": gate_text(str(gate))}
        if str(gate) in CANDIDATES:
            yield say(
                "{layer}: the {gate} is beyond 0.9 in size at {share} of steps.",
                share=percent(float(one["saturated"].mean())),
                **values,
            )
        else:
            yield say(
                "{layer}: the {gate} is {mean:.2g} on average, open (above 0.9) at {open} of "
                "steps and closed (below 0.1) at {closed}.",
                mean=float(one["gate_mean"].mean()),
                open=percent(float(one["open"].mean())),
                closed=percent(float(one["closed"].mean())),
                **values,
            )


def _same_states(node: xr.Dataset, layer: str) -> Iterator[str]:
    correlation, partner = node["correlation"].values, node["moves_with"].values
    known = node["copy_of"].values
    pairs = {
        (min(unit, int(partner[unit])), max(unit, int(partner[unit])))
        for unit in np.flatnonzero(np.abs(correlation) >= SAME)
    }
    for a, b in sorted(pairs)[:NAMED]:
        if known[b] != a:
            values = {"layer": layer, "a": a, "b": b}
            yield (
                say("{layer}: units {a} and {b} do the same over the data.", **values)
                if correlation[a] > 0
                else say(
                    "{layer}: units {a} and {b} do the same over the data, one being the "
                    "negative of the other.",
                    **values,
                )
            )


def _influence(node: xr.Dataset, layer: str, target: str) -> Iterator[str]:
    influence = node["influence"].values
    total = float(influence.sum())
    if not total:
        return
    order = np.argsort(-influence, kind="stable")
    count = int(np.searchsorted(np.cumsum(influence[order]), HALF * total)) + 1
    yield many(
        count,
        "{layer}: {named} of {units} carries half of all influence on {target}, by derivatives.",
        "{layer}: {named} of {units} carry half of all influence on {target}, by derivatives.",
        layer=layer,
        named=_units(order[:count]),
        units=len(order),
        target=target,
    )


def comparison_sentences(tree: xr.DataTree) -> list[str]:
    """Say of each layer how far the two networks are apart."""
    missing = each_text(tree.attrs, "not_given")
    said = []
    for node in layer_nodes(tree):
        layer = str(node.attrs["layer"])
        said += _matched(node, layer, _by(str(tree.attrs["matched_by"])))
        said += _moved(node, layer)
        if layer in missing:
            said.append(say("{layer}: {why}.", layer=layer, why=missing[layer]))
    return said


def _matched(node: xr.Dataset, layer: str, by: str) -> Iterator[str]:
    if "partner" not in node:
        return
    partner, sign = node["partner"].values, node["sign"].values
    apart, stand = (node[name].values for name in ("distance", "distance_as_they_stand"))
    count = len(partner)
    elsewhere, turned = int((partner != np.arange(count)).sum()), int((sign < 0).sum())
    how = (
        say("{elsewhere} of {units} units have a partner of another number",
            elsewhere=elsewhere, units=count)
        if elsewhere
        else say("all units stand where their partners do")
    )  # fmt: skip
    if turned:
        how = say("{how}, {turned} of the other sign", how=how, turned=turned)
    yield say("{layer}: units are matched by their {by}: {how}.", layer=layer, by=by, how=how)
    if (apart <= EQUAL).all():
        yield (
            say("{layer}: once matched, the weights are the same.", layer=layer)
            if elsewhere or turned
            else say("{layer}: the weights are the same.", layer=layer)
        )
        return
    size = float(np.median(apart))
    if elsewhere or turned:
        yield say(
            "{layer}: the median unit's incoming weights differ from its partner's by {size:.2g} "
            "of their size ({stand:.2g} as they stand).",
            layer=layer,
            size=size,
            stand=float(np.median(stand)),
        )
    else:
        yield say(
            "{layer}: the median unit's incoming weights differ from its partner's by {size:.2g} "
            "of their size.",
            layer=layer,
            size=size,
        )
    if "state_correlation" in node:
        yield say(
            "{layer}: hidden states of partners correlate by {alike:.2g} in the median.",
            layer=layer,
            alike=float(np.nanmedian(np.abs(node["state_correlation"].values))),
        )


def _by(how: str) -> str:
    """Say what units are matched by, as a result names it."""
    return phrase(how) if how in MATCHED_BY else how


def _moved(node: xr.Dataset, layer: str) -> Iterator[str]:
    """Say which radius changed the most, and whether gates opened or closed."""
    radius = node["spectral_radius"].values
    gate = int(np.argmax(np.abs(radius[1] - radius[0])))
    if radius[0, gate] == radius[1, gate]:
        return
    names = [gate_text(str(name)) for name in node["gate"].values]
    yield say(
        "{layer}: the spectral radius that differs most is that of the {gate}, {first:.3g} in the "
        "first and {second:.3g} in the second.",
        layer=layer,
        gate=names[gate],
        first=radius[0, gate],
        second=radius[1, gate],
    )
    if "gate_mean" in node:
        mean = node["gate_mean"].values
        gate = int(np.argmax(np.abs(mean[1] - mean[0])))
        yield say(
            "{layer}: the gate whose mean differs most is the {gate}, {first:.2g} in the first "
            "and {second:.2g} in the second.",
            layer=layer,
            gate=names[gate],
            first=mean[0, gate],
            second=mean[1, gate],
        )
