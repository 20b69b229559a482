"""What a number of the output can see of the inputs, as plain facts and in a result's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rnnlens.evidence.sees_everything import sees_everything
from rnnlens.network.shapes import Shape, output_shapes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rnnlens.attribution.target import ResolvedTarget
    from rnnlens.evidence.reach.sights import Sight
    from rnnlens.network.description import NetworkDescription
    from rnnlens.network.network import Network

__all__ = ["about_reach", "described", "reach_of"]


def described(network: Network, *, values: bool = False) -> NetworkDescription:
    """Describe a network, with what its outputs cannot see."""
    from rnnlens.network.describe import describe

    return {**describe(network, values=values), "reach": reach_of(network)}


def reach_of(network: Network) -> list[dict[str, Any]]:
    """Give, for each number of the outputs and each input, what it does not see whole."""
    if sees_everything(network):
        return []
    from rnnlens.evidence.reach.sights import sights

    shapes = output_shapes(network)
    outputs = [(name, shapes[name][number]) for name, number in network.outputs]
    return [
        {"label": _label(outputs, *place), "place": list(place), **_plain(one)}
        for place, seen in sights(network).items()
        for one in seen
        if not one.whole
    ]


def about_reach(
    network: Network,
    inputs: Mapping[str, NDArray[np.float64]],
    target: ResolvedTarget,
    *,
    carried: bool = False,
) -> dict[str, str]:
    """Say in a result's attributes which newest steps the target cannot see, if there are any."""
    if sees_everything(network):
        return {}
    from rnnlens.evidence.reach.sights import sight
    from rnnlens.views.words.language import telling
    from rnnlens.views.words.reach import cut_off_clause

    shapes = {name: array.shape[1:] for name, array in inputs.items()}
    seen = sight(network, shapes, target, carried=carried)
    with telling():
        clause = cut_off_clause(map(_plain, seen))
    return {"cut_off": clause} if clause else {}


def _plain(one: Sight) -> dict[str, Any]:
    from rnnlens.evidence.reach.sights import Extent

    return {
        "input": one.input,
        "steps": one.steps,
        "newest": one.seen.newest,
        "oldest": one.seen.oldest,
        "unseen": [f"feature {k}" for k in one.seen.unseen],
        "why": {what: one.why(what) for what in Extent._fields},
    }


def _label(outputs: list[tuple[str, Shape]], output: int, *index: int) -> str:
    """Name a number of the output as results do: its horizon and its place."""
    name, shape = outputs[output]
    said = "" if len(outputs) == 1 else f"output {name}"
    if len(shape) > 1 and shape[0] != 1:
        said += f" horizon {index[0] + 1}"
    if shape and shape[-1] != 1:
        said += f" target {index[-1]}"
    return said.strip() or "the forecast"
