"""Every array of a Keras file is accounted for: used by one layer, or named as left over."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from rnnlens.errors import UnreadableFile
from rnnlens.names import counted, told
from rnnlens.network.network import Network
from rnnlens.readers.hardening.hdf5 import child, names_in

if TYPE_CHECKING:
    import h5py

__all__ = ["TRAINING", "accounted", "places_within"]

#: What groups are called that serve training alone, or keep the state of random numbers.
TRAINING = re.compile(r"_?(metrics|loss_tracker|optimizer|optimizer_weights)|seed_generator.*")

#: More groups than this are in no file, and no more names than these are said.
MOST, SAID = 100_000, 4


def places_within(file: h5py.File, prefix: str = "") -> Iterator[str]:
    """Give the place of every array below a group, without those that serve training alone."""
    import h5py

    waiting, seen = [prefix], set()
    while waiting:
        place = waiting.pop()
        group = child(file, place) if place else file
        if isinstance(group, h5py.Dataset):
            yield place
        if not isinstance(group, h5py.Group) or group.id in seen:
            continue
        seen.add(group.id)
        if len(seen) > MOST:
            raise UnreadableFile(f"the file holds more than {MOST} groups; it is damaged")
        waiting += [
            f"{place}/{name}" if place else name
            for name in names_in(group)
            if not TRAINING.fullmatch(name)
        ]


def accounted(network: Network, places: Iterable[str]) -> Network:
    """Check that each array serves one layer, and say which serve none."""
    users: dict[str, tuple[int, str]] = {}
    for node in network.nodes:
        for source in node.sources.values():
            layer, name = users.setdefault(source.stored_at, (id(node.layer), node.name))
            if source.stored_at and layer != id(node.layer):
                raise UnreadableFile(
                    f"{source.stored_at} in the file would serve two layers, {name!r} and "
                    f"{node.name!r}, which share nothing: the weights do not belong to this "
                    "configuration; save the model again"
                )
    left = sorted(set(places) - users.keys())
    if not left:
        return network
    clauses = (*network.origin.left_out, _clause(left))
    return replace(network, origin=replace(network.origin, left_out=clauses))


def _clause(places: list[str]) -> str:
    """Say which arrays of a file are left over."""
    names: str = ", ".join(places[:SAID])
    if len(places) > SAID:
        names = told("{names} and {more} more", names=names, more=len(places) - SAID)
    return counted(
        len(places),
        "{count} array that no layer of the network uses: {names}",
        "{count} arrays that no layer of the network uses: {names}",
        names=names,
    )
