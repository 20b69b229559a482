"""What the weights of recurrent layers say, and how two networks differ, in plain sentences."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.names import CANDIDATES
from rnnlens.views.tables.plain import Attributes
from rnnlens.views.words.explanation import percent

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["comparison_sentences", "gate_text", "layer_nodes", "summary_sentences"]

#: Units that are named one by one; of more, the number is said.
NAMED = 8
#: The part of all influence that the units are said to carry.
HALF = 0.5
#: Correlation of hidden states from which on two units do the same over the data.
SAME = 1 - 1e-6
#: Distance of incoming weights up to which two units are the same: arrays are float32.
EQUAL = 1e-6


def layer_nodes(tree: xr.DataTree) -> list[xr.Dataset]:
    """Give the layers of a result, in the network's order."""
    nodes = [node.to_dataset() for node in tree.subtree if "spectral_radius" in node]
    order = json.loads(str(tree.attrs["layers"]))
    return sorted(nodes, key=lambda node: order.index(node.attrs["layer"]))


def gate_text(gate: str, kind: str = "gate") -> str:
    """Name a gate; a candidate is none.

    Examples
    --------
    >>> gate_text("forget"), gate_text("cell"), gate_text("candidate"), gate_text("hidden")
    ('forget gate', 'candidate', 'candidate', 'hidden state')
    """
    if gate not in CANDIDATES:
        return f"{gate} {kind}"
    return "hidden state" if gate == "hidden" else "candidate"


def summary_sentences(tree: xr.DataTree) -> list[str]:
    """Say of each layer what stands out."""
    return [said for node in layer_nodes(tree) for said in _of_layer(node, tree.attrs)]


def _of_layer(node: xr.Dataset, attrs: Attributes) -> Iterator[str]:
    layer, units = str(node.attrs["layer"]), node.sizes["unit"]
    widest = int(node["recurrent_spectral"].values.argmax())
    gate = str(node["gate"].values[widest])
    yield (
        f"{layer}: the largest recurrent kernel is that of the {gate_text(gate)}, with a spectral "
        f"norm of {float(node['recurrent_spectral'][widest]):.3g} and a spectral radius of "
        f"{float(node['spectral_radius'][widest]):.3g}."
    )
    yield from _copied(node, layer)
    if "saturated" not in node:
        return
    yield from _gates(node, layer)
    dead = np.flatnonzero(node["dead"].values)
    if len(dead):
        one = len(dead) == 1
        yield (
            f"{layer}: {_units(dead)} of {units} never {'moves' if one else 'move'} the forecast"
            f"{_why_dead(node, dead)}."
        )
    else:
        yield f"{layer}: each of the {units} units moves the forecast."
    yield from _same_states(node, layer)
    yield from _influence(node, layer, str(attrs.get("target") or "the forecast"))


def _units(numbers: Sequence[int] | np.ndarray) -> str:
    """Name units by number, or count them.

    Examples
    --------
    >>> _units([3]), _units([3, 5, 7]), _units(range(20))
    ('unit 3', 'units 3, 5 and 7', '20 units')
    """
    texts = [str(int(number)) for number in numbers]
    if len(texts) == 1:
        return f"unit {texts[0]}"
    if len(texts) > NAMED:
        return f"{len(texts)} units"
    return f"units {', '.join(texts[:-1])} and {texts[-1]}"


def _why_dead(node: xr.Dataset, dead: np.ndarray) -> str:
    if "constant" not in node:
        return ""
    still = int(node["constant"].values[dead].sum())
    if still == len(dead):
        return ", for the state is the same in all windows"
    nothing = ", for nothing reads what the state holds"
    return nothing if not still else f": {still} are the same in all windows, the rest is not read"


def _copied(node: xr.Dataset, layer: str) -> Iterator[str]:
    of, sign = node["copy_of"].values, node["copy_sign"].values
    for unit in np.flatnonzero(of >= 0)[:NAMED]:
        turned = "" if sign[unit] > 0 else " with the other sign"
        yield f"{layer}: unit {unit} is a copy of unit {of[unit]}{turned}, by its weights."
    more = int((of >= 0).sum()) - NAMED
    if more > 0:
        yield f"{layer}: {more} more units are copies of others, by their weights."


def _gates(node: xr.Dataset, layer: str) -> Iterator[str]:
    """Say how open the valves are, and how saturated the candidate is."""
    for gate in node["gate"].values:
        one = node.sel(gate=gate)
        saturated = float(one["saturated"].mean())
        if str(gate) in CANDIDATES:
            yield (
                f"{layer}: the {gate_text(str(gate))} is beyond 0.9 in size at "
                f"{percent(saturated)} of steps."
            )
        else:
            yield (
                f"{layer}: the {gate_text(str(gate))} is {float(one['gate_mean'].mean()):.2g} on "
                f"average, open (above 0.9) at {percent(float(one['open'].mean()))} of steps and "
                f"closed (below 0.1) at {percent(float(one['closed'].mean()))}."
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
            sign = "" if correlation[a] > 0 else ", one being the negative of the other"
            yield f"{layer}: units {a} and {b} do the same over the data{sign}."


def _influence(node: xr.Dataset, layer: str, target: str) -> Iterator[str]:
    influence = node["influence"].values
    total = float(influence.sum())
    if not total:
        return
    order = np.argsort(-influence, kind="stable")
    count = int(np.searchsorted(np.cumsum(influence[order]), HALF * total)) + 1
    carry = "carries" if count == 1 else "carry"
    yield (
        f"{layer}: {_units(order[:count])} of {len(order)} {carry} half of all influence on "
        f"{target}, by derivatives."
    )


def comparison_sentences(tree: xr.DataTree) -> list[str]:
    """Say of each layer how far the two networks are apart."""
    missing = json.loads(str(tree.attrs.get("not_given") or "{}"))
    said = []
    for node in layer_nodes(tree):
        layer = str(node.attrs["layer"])
        said += _matched(node, layer, str(tree.attrs["matched_by"]))
        said += _moved(node, layer)
        if layer in missing:
            said.append(f"{layer}: {missing[layer]}.")
    return said


def _matched(node: xr.Dataset, layer: str, by: str) -> Iterator[str]:
    if "partner" not in node:
        return
    partner, sign = node["partner"].values, node["sign"].values
    apart, stand = (node[name].values for name in ("distance", "distance_as_they_stand"))
    count = len(partner)
    elsewhere, turned = int((partner != np.arange(count)).sum()), int((sign < 0).sum())
    how = "all units stand where their partners do"
    if elsewhere:
        how = f"{elsewhere} of {count} units have a partner of another number"
    if turned:
        how += f", {turned} of the other sign"
    yield f"{layer}: units are matched by their {by}: {how}."
    if (apart <= EQUAL).all():
        same = "the weights are the same"
        yield f"{layer}: {same if not (elsewhere or turned) else f'once matched, {same}'}."
        return
    text = f"{layer}: the median unit's incoming weights differ from its partner's by "
    text += f"{float(np.median(apart)):.2g} of their size"
    if elsewhere or turned:
        text += f" ({float(np.median(stand)):.2g} as they stand)"
    yield f"{text}."
    if "state_correlation" in node:
        alike = np.abs(node["state_correlation"].values)
        yield (
            f"{layer}: hidden states of partners correlate by {float(np.nanmedian(alike)):.2g} in "
            "the median."
        )


def _moved(node: xr.Dataset, layer: str) -> Iterator[str]:
    """Say which radius changed the most, and whether gates opened or closed."""
    radius = node["spectral_radius"].values
    gate = int(np.argmax(np.abs(radius[1] - radius[0])))
    if radius[0, gate] == radius[1, gate]:
        return
    names = [gate_text(str(name)) for name in node["gate"].values]
    yield (
        f"{layer}: the spectral radius that differs most is that of the {names[gate]}, "
        f"{radius[0, gate]:.3g} in the first and {radius[1, gate]:.3g} in the second."
    )
    if "gate_mean" in node:
        mean = node["gate_mean"].values
        gate = int(np.argmax(np.abs(mean[1] - mean[0])))
        yield (
            f"{layer}: the gate whose mean differs most is the {names[gate]}, {mean[0, gate]:.2g} "
            f"in the first and {mean[1, gate]:.2g} in the second."
        )
