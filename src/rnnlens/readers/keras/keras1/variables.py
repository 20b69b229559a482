"""Where Keras 1 keeps its arrays: one flat list a layer, under names such as ``lstm_1_W_i``.

With TensorFlow the names end in ``:0``, with Theano they do not; Keras's own loader goes by the
order alone (keras/engine/topology.py of 1.x, load_weights_from_hdf5_group).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from rnnlens.errors import UnreadableFile
from rnnlens.readers.hardening.hdf5 import stored
from rnnlens.readers.keras.weights import WHOLE, LayerGroups, NamedDataset, WeightList
from rnnlens.readers.variables import StoredVariable, check_count

__all__ = ["Keras1LayerGroups", "variable_name", "written_by_theano"]

#: What Keras 1 calls the variables that Keras 2 renamed. ``running_std`` holds the variance.
NAMES = {
    "kernel": "W",
    "bias": "b",
    "embeddings": "W",
    "moving_mean": "running_mean",
    "moving_variance": "running_std",
    "alpha": "alphas",
}

#: How a variable's name may end.
ENDING = re.compile(r"_(?:[WUb](?:_[icfozrh])?|gamma|beta|running_mean|running_std|alphas)$")


def written_by_theano(names: Sequence[str]) -> bool:
    """Tell the backend that wrote a Keras 1 file, which does not state it.

    Examples
    --------
    >>> written_by_theano(["dense_1_W"]), written_by_theano(["dense_1_W:0"])
    (True, False)
    """
    return not any(re.search(r":\d+$", name) for name in names)


class Keras1WeightList(WeightList):
    """The arrays of one layer."""

    def variables(self, roles: Sequence[str], optional: int = 0) -> list[StoredVariable]:
        """Give the layer's own variables, see `VariableStore.variables`."""
        check_count(len(self.weights), roles, optional, f"layer {self.layer!r}")
        wanted = list(roles)[: len(self.weights)]
        by_ending = {variable_name(item.name): item for item in self.weights}
        endings = [NAMES.get(role, role) for role in wanted]
        known = [ending for ending in by_ending if ending]
        if set(known) == set(endings):
            items = [by_ending[ending] for ending in endings]
        elif not known:
            items = self.weights
        else:
            raise UnreadableFile(
                f"layer {self.layer!r} holds the arrays {', '.join(known)} where its configuration "
                f"calls for {', '.join(endings)}: the weights do not belong to it"
            )
        return [
            replace(
                stored(role, item.dataset, item.place), text=item.place.removeprefix(f"{WHOLE}/")
            )
            for role, item in zip(wanted, items, strict=True)
        ]

    def _of(self, layer: str) -> list[NamedDataset]:
        # Names are no paths here: lstm_1_W_i is W_i of lstm_1, and dense_1_W none of dense.
        return [item for item in self.weights if ENDING.sub("", _without_marks(item.name)) == layer]


class Keras1LayerGroups(LayerGroups):
    """The weights of a Keras 1 model: one group a layer."""

    weight_list = Keras1WeightList


def _without_marks(name: str) -> str:
    """Take the marks of TensorFlow off a name: ``lstm_1_W_i_1:0`` is ``lstm_1_W_i``."""
    plain = name.rsplit("/", maxsplit=1)[-1].split(":", maxsplit=1)[0]
    bare = re.sub(r"_\d+$", "", plain)
    return bare if ENDING.search(bare) else plain


def variable_name(name: str) -> str:
    """Give a variable's own name, without its layer's.

    Examples
    --------
    >>> variable_name("lstm_1_W_i:0"), variable_name("param_0")
    ('W_i', '')
    """
    match = ENDING.search(_without_marks(name))
    return match[0][1:] if match else ""
