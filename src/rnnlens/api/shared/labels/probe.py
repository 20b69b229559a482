"""Labels of what was read off a network's states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.api.shared.labels.network_provenance import network_provenance
from rnnlens.dynamics.probes.result import Concept
from rnnlens.results.label import label, node_path
from rnnlens.results.provenance import UNSURE
from rnnlens.views.words.durations import hours_of
from rnnlens.views.words.inside.probe import probe_sentences

if TYPE_CHECKING:
    import xarray as xr

    from rnnlens.api.shared.given.case import Case, NamedTarget
    from rnnlens.dynamics.probes.probe import Probed
    from rnnlens.dynamics.probes.question import ProbeQuestion

__all__ = ["probe_tree"]


def probe_tree(
    case: Case,
    named: NamedTarget,
    question: ProbeQuestion,
    probed: Probed,
    settings: Mapping[str, Any],
) -> xr.DataTree:
    """Label every state of each layer, and beside them what its units take in, a node each."""
    import xarray as xr

    about = {
        "target": named.name,
        "unit": named.unit,
        "kind": "probe",
        "samples": len(question.concept),
        "step": "" if case.windows is None else case.windows.step,
        **case.about_steps,
        **case.about_inputs,
        **probed.about,
    }
    attrs = network_provenance(question.network, method="probe", settings=settings, extra=about)
    coords = case.sample_coords(named.name)
    by_step = question.steps is not None
    kept = np.where(question.kept, question.concept, np.nan)
    if by_step:
        coords["step"] = question.steps
    concept = Concept(concept_by_step=kept) if by_step else Concept(concept=kept[:, 0])
    unsure = {key: attrs[key] for key in UNSURE if key in attrs}
    words = {"target": named.name, "unit": named.unit, **unsure}
    nodes = {"/": label(concept, coords=coords, attrs=attrs)}
    hours = hours_of(str(about["step"]))
    for name, store in probed.layers.items():
        in_hours = None if hours is None else hours * store.residence_time
        timed = replace(store, residence_hours=in_hours)
        nodes[f"{node_path(name)}/units"] = label(timed, attrs={"layer": name, **unsure})
    for (layer, state), one in probed.states.items():
        nodes[f"{node_path(layer)}/{state}"] = label(
            one,
            coords={**coords, "control": list(probed.controls[layer, state])},
            attrs={"layer": layer, "state": state, **words},
        )
    tree = xr.DataTree.from_dict(nodes)
    tree.attrs["summary"] = "\n".join(probe_sentences(tree))
    return tree
