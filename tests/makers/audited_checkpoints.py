"""Read checkpoints that attack or are damaged, while Python tells what is imported, run or opened.

Run as a program it prints JSON, as `audited_pickles` does::

    python tests/makers/audited_checkpoints.py FOLDER 100        # attacks, and 100 mutations
    python tests/makers/audited_checkpoints.py FOLDER 0 pickle   # the attacks by Python's unpickler
"""

from __future__ import annotations

import codecs
import json
import pickle
import sys
import zipfile
from pathlib import Path

import numpy as np

from audited_pickles import harmless, read_all
from pickle_attacks import MARK, attacks, mutated
from rnnlens.readers.torch.checkpoint.container import LEGACY
from rnnlens.readers.torch.file import parts_in

STORAGE = b"(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0%bX\3\0\0\0cpuK%btQ"


def tensor(key: bytes, rows: int, columns: int) -> bytes:
    """Give the steps that make one tensor, as torch.save writes them."""
    count = bytes([rows * columns])
    size = b"K%bK%b\x86K%bK\1\x86" % (bytes([rows]), bytes([columns]), bytes([columns]))
    head = b"ctorch._utils\n_rebuild_tensor_v2\n("
    return head + STORAGE % (key, count) + b"K\0" + size + b"\x89)tR"


def text(name: str) -> bytes:
    return b"X" + len(name).to_bytes(4, "little") + name.encode()


#: The entries of a state dict of a plain recurrent layer with three features and four units.
STATE = text("weight_ih_l0") + tensor(b"a", 4, 3) + text("weight_hh_l0") + tensor(b"b", 4, 4)
NUMBERS = {"a": np.arange(12.0, dtype="<f4"), "b": np.arange(16.0, dtype="<f4")}


def checkpoint(among: bytes = b"") -> bytes:
    """Give the pickle of a state dict with other steps before its weights."""
    more = text("other") + among if among else b""
    return b"\x80\x02}(" + more + STATE + b"u."


def as_zip(path: Path, content: bytes, *, scripted: bool) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", content)
        for key, numbers in NUMBERS.items():
            archive.writestr(f"m/data/{key}", numbers.tobytes())
        if scripted:
            archive.writestr("m/constants.pkl", content)
            archive.writestr("m/code/__torch__.py", f"import {MARK}\n{MARK}.run()\n")


def as_legacy(path: Path, content: bytes) -> None:
    parts = [LEGACY + b".", pickle.dumps(1001, 2), pickle.dumps({"little_endian": True}, 2)]
    parts += [content, pickle.dumps(["a", "b"], 2)]
    for numbers in NUMBERS.values():
        parts += [len(numbers).to_bytes(8, "little"), numbers.tobytes()]
    path.write_bytes(b"".join(parts))


def written(folder: Path, pickles: dict[str, bytes]) -> dict[str, Path]:
    """Put each pickle into every container."""
    paths = {}
    for number, (name, content) in enumerate(pickles.items()):
        for kind in ("zip", "TorchScript", "container before 1.6"):
            path = paths[f"{kind}: {name}"] = folder / f"{number}-{kind[:3]}.pt"
            if kind.startswith("container"):
                as_legacy(path, content)
            else:
                as_zip(path, content, scripted=kind == "TorchScript")
    return paths


def read_whole(path: Path) -> None:
    """Read a file and load every array of it."""
    parts, _ = parts_in(path)
    for part in parts:
        for array in part.arrays.values():
            array.load()


def main(folder: Path, count: int, reader: str) -> None:
    """Read the attacks, alone and among weights, and so many mutations of a sound pickle."""
    pickles = dict(attacks())
    steps = {name: content for name, content in pickles.items() if content[:2] == b"\x80\x04"}
    pickles |= {f"among weights: {n}": checkpoint(c[2:-1]) for n, c in steps.items()}
    if reader == "pickle":
        harmless()
        heard = {name: data for name, data in attacks().items() if MARK.encode() in data}
        print(json.dumps(read_all(heard, pickle.loads)))
        return
    # Python loads the code of an encoding when it first meets it; no file chooses which.
    codecs.lookup("raw_unicode_escape")
    rng = np.random.default_rng(20)
    pickles |= {f"mutation {n}": mutated(checkpoint(), rng) for n in range(count)}
    paths = written(folder, pickles)
    sound = written(folder, {"sound": checkpoint()})
    for path in sound.values():
        read_whole(path)  # what reading itself loads is loaded now
    told = read_all({**paths, **{f"sound, {k}": p for k, p in sound.items()}}, read_whole)
    own = f"open ('{folder}", f"open (PosixPath('{folder}"
    told["events"] = [event for event in told["events"] if not event.startswith(own)]
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "ours")
