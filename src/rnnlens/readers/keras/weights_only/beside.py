"""Which architecture beside a file of weights belongs to it: told by names, then by file names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from rnnlens.network.network import Network
from rnnlens.readers.keras.weights_only.groups import WeightsFile

__all__ = ["Fitting", "belonging", "names_agree"]

#: An architecture that fits, as the network that it makes, and its file.
Fitting = tuple[Network, Path]

#: What says in a file's name which of the two it is, and endings.
PARTS = re.compile(r"[-_. ]?(weights?|architecture|arch|config|model|h5|hdf5|json|keras|ckpt)\b")


def names_agree(network: Network, weights: WeightsFile, *, numbers: bool) -> bool:
    """Tell whether the layers of a network have the names that stand beside the arrays.

    Without ``numbers``, as Keras counts on from model to model, ``lstm_3`` is the same as ``lstm``.
    """
    if not weights.named:
        return True

    def plain(name: str) -> str:
        return name if numbers else re.sub(r"_\d+$", "", name)

    names = {plain(part) for node in network.nodes for part in _parts(node.name)}
    return all(plain(layer.name) in names for layer in weights.layers)


def _parts(name: str) -> Iterable[str]:
    # a layer of a model within is "outer.inner"; files list it under either, or under both
    outer, _, inner = name.partition(".")
    return (name, outer, inner or name, name.rpartition(".")[2])


def belonging(fitting: Sequence[Fitting], weights: WeightsFile, path: Path) -> list[Fitting]:
    """Give the architectures that belong to a file of weights: one, where it can be told."""
    alike = [each for each in fitting if names_agree(each[0], weights, numbers=False)]
    same = [each for each in alike if names_agree(each[0], weights, numbers=True)]
    candidates = same or alike
    if len(candidates) > 1:
        stem = _stem(path)
        candidates = [each for each in candidates if _stem(each[1]) == stem] or candidates
    return candidates


def _stem(path: Path) -> str:
    """Take off a file's name what says that it holds weights, or an architecture.

    Examples
    --------
    >>> _stem(Path("lstm-weights.h5")), _stem(Path("lstm_architecture.json"))
    ('lstm', 'lstm')
    """
    return PARTS.sub("", path.name.lower().replace("_", "-")).strip("-. ")
