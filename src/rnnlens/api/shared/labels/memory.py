"""Labels of what is known of a network's memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rnnlens.api.shared.labels.network_provenance import network_provenance
from rnnlens.dynamics.memory.result import MEASURES
from rnnlens.results.label import label, label_tree
from rnnlens.views.words.inside.memory import memory_sentences

if TYPE_CHECKING:
    import xarray as xr

    from rnnlens.api.shared.given.case import Case, NamedTarget
    from rnnlens.dynamics.memory.measures import Memory

__all__ = ["memory_tree"]


def memory_tree(
    case: Case, named: NamedTarget, memory: Memory, settings: Mapping[str, Any]
) -> xr.DataTree:
    """Label all measures: those of the forecast at the root, those of units by layer."""
    about = {
        "target": named.name,
        "unit": named.unit,
        "kind": "memory",
        "samples": len(case.x),
        "step": "" if case.windows is None else case.windows.step,
        "alpha": settings["alpha"],
        **case.about_steps,
        **case.about_inputs,
        **memory.about,
        "not_given": memory.missing,
    }
    attrs = network_provenance(case.network, method="memory", settings=settings, extra=about)
    coords = {
        "lag": range(1, case.inputs[case.of].shape[1] + 1),
        "feature": list(case.features),
        "kept": memory.kept,
        "measure": list(MEASURES),
    }
    root = label(
        memory.forecast,
        coords=coords,
        attrs=attrs,
        long_names={
            "lag": "lag (1 = newest step)",
            "kept": "newest steps that are kept",
            "measure": "measure of memory",
        },
    )
    influence = {"influence": named.unit or "network units"}
    tree = label_tree(memory.layers, attrs=attrs, units=influence)
    tree.dataset = root
    tree.attrs["summary"] = "\n".join(memory_sentences(tree))
    return tree
