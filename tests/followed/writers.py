"""Advice about formats that hold what another does not: every format that a refusal names."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import rnnlens
from followed.registry import advice
from refused import REFUSALS
from refused.writers import KERAS, ONNX, TORCH
from rnnlens.network.network import Network

HEADINGS = {
    "Networks that Keras does not hold": KERAS,
    "Networks that ONNX does not hold": ONNX,
    "Networks that a state dict of PyTorch does not hold": TORCH,
}
#: A network that no windows fit, made to reach a check.
NO_NETWORK = "Networks that Keras does not hold: Standardization of other axes"
#: Advice that names the formats which hold a network.
HOLDS = re.compile(r"write (\.[^;]*(?:instead|which holds? (?:it|them)))$")

#: The networks of every advice, by its words.
NETWORKS: dict[str, dict[str, Callable[[], Network]]] = {}
for heading, makes in HEADINGS.items():
    for name, make in makes.items():
        found = HOLDS.search(REFUSALS[f"{heading}: {name}"])
        if found and f"{heading}: {name}" != NO_NETWORK:
            NETWORKS.setdefault(f"write {found[1]}", {})[f"{heading}: {name}"] = make

for words, networks in NETWORKS.items():

    @advice(next(iter(networks)), words)
    def _(folder: Path, words: str = words, networks: dict = networks) -> None:
        for number, make in enumerate(networks.values()):
            for ending in re.findall(r"\.(?:npz|onnx|keras)", words):
                # it compares what it wrote with the network, and leaves no file that differs
                rnnlens.convert(make(), folder / f"{number}{ending}")
                assert (folder / f"{number}{ending}").is_file()
