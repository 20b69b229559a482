"""Labels of what is said of weights, of one network or of two."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rnnlens.api.shared.labels.network_provenance import network_provenance
from rnnlens.dynamics.weights.summary import layers_once
from rnnlens.results.label import label_tree
from rnnlens.views.words.inside.weights import comparison_sentences, summary_sentences

if TYPE_CHECKING:
    import xarray as xr

    from rnnlens.api.shared.weights_question import WeightsAsked
    from rnnlens.dynamics.weights.comparison import Comparison
    from rnnlens.dynamics.weights.result import LayerWeights
    from rnnlens.network.network import Network

__all__ = ["NETWORKS", "comparison_tree", "summary_tree"]

#: How the two networks of a comparison are called.
NETWORKS = ("first", "second")


def summary_tree(
    network: Network, asked: WeightsAsked | None, layers: Mapping[str, LayerWeights]
) -> xr.DataTree:
    """Label the weights of every recurrent layer."""
    about = {**_about(asked), "layers": json.dumps(list(layers))}
    attrs = network_provenance(network, method="summarize_weights", extra=about)
    tree = label_tree(
        layers, coords=_coords(network), attrs=attrs, units=_units(asked), long_names=_RANKS
    )
    tree.attrs["summary"] = "\n".join(summary_sentences(tree))
    return tree


def comparison_tree(
    networks: tuple[Network, Network], asked: WeightsAsked | None, found: Comparison
) -> xr.DataTree:
    """Label the weights of two networks, layer by layer of the first."""
    origins = [one.origin for one in networks]
    about: dict[str, object] = {
        **_about(asked),
        "layers": json.dumps(list(found.layers)),
        "matched_by": "incoming weights" if asked is None else "hidden states",
        "not_given": found.missing,
        **{
            name: (origin.path or origin.format)
            for name, origin in zip(NETWORKS, origins, strict=True)
        },
    }
    attrs = network_provenance(networks[0], method="compare_weights", extra=about)
    coords = _coords(networks[0])
    for own in coords.values():
        own["network"] = list(NETWORKS)
    tree = label_tree(found.layers, coords=coords, attrs=attrs, units=_units(asked))
    tree.attrs["summary"] = "\n".join(comparison_sentences(tree))
    return tree


_RANKS = {"rank": "place by size, 0 the largest", "recurrent_rank": "place by size, 0 the largest"}


def _coords(network: Network) -> dict[str, dict[str, object]]:
    return {
        name: {"gate": list(layer.cell.gates), "unit": range(layer.cell.units)}
        for name, layer in layers_once(network).items()
    }


def _about(asked: WeightsAsked | None) -> dict[str, object]:
    if asked is None:
        return {"kind": "weights"}
    return {
        "kind": "weights",
        "target": asked.named.name,
        "unit": asked.named.unit,
        "samples": len(asked.case.x),
        **asked.case.about_steps,
        **asked.case.about_inputs,
    }


def _units(asked: WeightsAsked | None) -> dict[str, str]:
    return {} if asked is None else {"influence": asked.named.unit or "network units"}
