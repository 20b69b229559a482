"""Damaged and hostile archives of rnnlens."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from refused.registry import section
from rnnlens.readers.native import npz as npz_file
from rnnlens.readers.open import read
from rnnlens.writers.native import write
from writers_zoo import zoo

case = section("Archives of rnnlens")

#: What becomes of a member: name and bytes in, bytes out, None to leave it out.
Change = Callable[[str, bytes], bytes | None]


def rewritten(folder: Path, change: Change) -> Path:
    """Write an LSTM's archive with its members changed."""
    data = write(zoo(np.random.default_rng(4))["lstm"]).data
    path = folder / "model.npz"
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return path


def npy(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=True)
    return buffer.getvalue()


def graph(change: Callable[[dict[str, Any]], object]) -> Change:
    """Change the graph that the archive states."""

    def turn(name: str, data: bytes) -> bytes:
        if name != "rnnlens.npy":
            return data
        stated = json.loads(str(np.load(io.BytesIO(data))))
        change(stated)
        return npy(np.array(json.dumps(stated)))

    return turn


def member(name: str, change: Callable[[bytes], bytes | None]) -> Change:
    return lambda found, data: change(data) if found == name else data


def kernel(change: Callable[[bytes], bytes | None]) -> Change:
    return member("recurrent.W_i.npy", change)


def text(version: tuple[int, int], change: Callable[[bytes], bytes] = lambda data: data) -> Change:
    """Replace the graph by a text in a version of the format of NumPy."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.array("abc"), version=version)
    return member("rnnlens.npy", lambda _: change(buffer.getvalue()))


OPEN = b"{'descr': '<U9', 'shape': (".ljust(117) + b"\n"

CHANGES: dict[str, Change] = {
    "array missing": kernel(lambda _: None),
    "pickled array": kernel(lambda _: npy(np.array([{}], dtype=object))),
    "array cut off": kernel(lambda data: data[:-8]),
    "array of a huge shape": kernel(lambda data: data.replace(b"(3, 5)", b"(3,99999999999)")),
    "array of another shape": kernel(lambda _: npy(np.ones((3, 4)))),
    "array that is none": kernel(lambda _: b"nonsense"),
    "array whose header ends within a bracket": member(
        "rnnlens.npy",
        lambda _: b"\x93NUMPY\x01\x00" + len(OPEN).to_bytes(2, "little") + OPEN,
    ),
    "array of another version": text((2, 0)),
    "text beyond Unicode": text((1, 0), lambda data: data[:-4] + b"\xff\xff\xff\x7f"),
    "graph that is no JSON": member("rnnlens.npy", lambda _: npy(np.array("not json"))),
    "class that is none of ours": graph(
        lambda g: g["nodes"][1]["layer"].update(kind="Popen"),
    ),
    "class that is no layer": graph(
        lambda g: g["nodes"][0].update(layer={"array": "recurrent.W_i"}),
    ),
    "unknown field": graph(lambda g: g["nodes"][1]["layer"]["fields"].update(shell="x")),
    "version to come": graph(lambda g: g.update(version=9)),
    "node that takes from a later one": graph(
        lambda g: g["nodes"][1].update(inputs=[["dense", 0]])
    ),
    "node that takes an output that is not there": graph(
        lambda g: g["nodes"][2].update(inputs=[["recurrent", 1]])
    ),
    "node that takes an output before the first": graph(
        lambda g: g["nodes"][2].update(inputs=[["recurrent", -1]])
    ),
    "output of the network that is not there": graph(lambda g: g.update(outputs=[["dense", 3]])),
    "no nodes": graph(lambda g: g.pop("nodes")),
}

for name, change in CHANGES.items():

    @case(name)
    def _(folder: Path, change: Change = change) -> object:
        return read(rewritten(folder, change))


@case("more members than any network has")
def _(folder: Path) -> object:
    path = rewritten(folder, lambda _, data: data)
    with patch.object(npz_file, "MOST_MEMBERS", 1):
        return read(path)


@case("member that swells")
def _(folder: Path) -> object:
    path = rewritten(folder, lambda _, data: data)
    with patch.object(npz_file, "LARGEST_ARRAY", 1):
        return read(path)


@case("an option")
def _(folder: Path) -> object:
    from rnnlens.readers.options import ReadOptions

    return read(rewritten(folder, lambda _, data: data), ReadOptions(head="fc"))
