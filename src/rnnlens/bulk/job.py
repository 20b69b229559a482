"""What is asked of every block of an archive, and how it is kept where all processes find it."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.attribution.baselines.baseline import Baseline
from rnnlens.attribution.options import Effort
from rnnlens.attribution.target import ResolvedTarget
from rnnlens.bulk.blocks import Grid
from rnnlens.bulk.sources.open import open_source
from rnnlens.bulk.upkeep.files import put
from rnnlens.bulk.windows import Cutter
from rnnlens.errors import UnreadableFile
from rnnlens.series.sidecar import Sidecar
from rnnlens.series.sidecar_text import from_toml

if TYPE_CHECKING:
    from rnnlens.network.network import Network

__all__ = [
    "FOLDER",
    "QUESTION",
    "Job",
    "Manifest",
    "baseline_digest",
    "kept_baseline",
    "load",
    "network_digest",
    "read_manifest",
    "store",
    "versions",
]

#: The folder within a result that holds what is needed to go on with it.
FOLDER = ".rnnlens"
MANIFEST, NETWORK, BASELINE = "manifest.json", "network.npz", "baseline.npz"
#: Of these, what is kept once more.
QUESTION = (NETWORK, BASELINE)
#: The axes that several targets lie along, in their order.
ALONG = ("horizon", "target")
#: Of the layout of that folder.
FORMAT = 2
#: What reading a damaged file of arrays may raise.
DAMAGED = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class Manifest:
    """What a result is of: whoever goes on with it must ask the same.

    Parameters
    ----------
    asked : dict
        Everything that decides a byte of the result, by what it is: ``network``, ``settings``,
        ``data``, ``versions``, ``blocks``.
    path : str
        Where the archive was.
    """

    asked: Mapping[str, Any]
    path: str

    @property
    def identity(self) -> str:
        """The SHA-256 of what is asked."""
        return hashlib.sha256(_canonical(self.asked)).hexdigest()

    @property
    def grid(self) -> Grid:
        """The blocks."""
        return Grid(**self.asked["blocks"])

    @property
    def settings(self) -> Mapping[str, Any]:
        """What was asked for."""
        return self.asked["settings"]

    @property
    def along(self) -> dict[str, list[Any]]:
        """The axes that several targets lie along, horizons first; none where there is one."""
        said = self.settings["along"]
        return {axis: said[axis] for axis in ALONG if axis in said}

    def difference(self, other: Manifest) -> tuple[str, Any, Any] | None:
        """Name the first thing that another manifest asks otherwise, and both values."""
        for section, own in self.asked.items():
            theirs = other.asked.get(section)
            if own == theirs:
                continue
            if not isinstance(own, Mapping) or not isinstance(theirs, Mapping):
                return section, own, theirs
            for name in dict.fromkeys([*own, *theirs]):
                if own.get(name) != theirs.get(name):
                    return name, own.get(name), theirs.get(name)
        return None


@dataclass(frozen=True, eq=False)
class Job:
    """What every process needs in order to explain a block.

    Parameters
    ----------
    manifest : Manifest
        What is asked.
    network : Network
        What is explained, up to its logits where those are.
    baseline : Baseline
        What stands in for hidden inputs, the same for every window.
    cutter : Cutter
        The archive, and how windows are cut from it.
    """

    manifest: Manifest
    network: Network
    baseline: Baseline
    cutter: Cutter

    @property
    def targets(self) -> tuple[ResolvedTarget, ...]:
        """Which numbers of the output are explained, in the order of the axes they lie along."""
        return tuple(
            ResolvedTarget(tuple(one["index"]), one["output"], one["scale"], one["offset"])
            for one in self.manifest.settings["targets"]
        )

    @property
    def effort(self) -> Effort:
        """What the answer may cost."""
        return Effort(**self.manifest.settings["effort"])


def versions() -> dict[str, str]:
    """Give the versions of what computes and writes."""
    return {name: version(name) for name in ("rnnlens", "numpy", "numba", "zarr")}


def network_digest(content: bytes) -> str:
    """Give the SHA-256 of a network's graph and arrays, wherever they were read from."""
    said = hashlib.sha256()
    with np.load(io.BytesIO(content), allow_pickle=False) as members:
        for name in members.files:
            array = members[name]
            if array.dtype.kind == "U":
                graph = json.loads(str(array))
                kept = [
                    {k: v for k, v in node.items() if k != "sources"} for node in graph["nodes"]
                ]
                said.update(_canonical({"nodes": kept, "outputs": graph["outputs"]}))
            else:
                said.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
    return said.hexdigest()


def baseline_digest(baseline: Baseline) -> str:
    """Give the SHA-256 of the windows that stand in."""
    said = hashlib.sha256(baseline.held.tobytes())
    for window in baseline.windows:
        said.update(f"{window.shape}".encode() + np.ascontiguousarray(window).tobytes())
    return said.hexdigest()


def store(folder: Path, manifest: Manifest, network: bytes, baseline: Baseline) -> None:
    """Write a job into its folder."""
    folder.mkdir(parents=True)
    put(folder / NETWORK, network)
    kept = io.BytesIO()
    np.savez(
        kept,
        text=np.array(baseline.text),
        windows=np.stack(baseline.windows),
        held=baseline.held,
    )
    put(folder / BASELINE, kept.getvalue())
    said = {"format": FORMAT, "identity": manifest.identity, "archive": manifest.path}
    text = json.dumps(said | {"asked": manifest.asked}, indent=1, ensure_ascii=False)
    put(folder / MANIFEST, f"{text}\n".encode())


def read_manifest(out: Path) -> Manifest:
    """Read the manifest of a result."""
    path = out / FOLDER / MANIFEST
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        manifest = Manifest(said["asked"], said["archive"])
        whole = said["identity"] == manifest.identity and said["format"] == FORMAT
    except FileNotFoundError:
        raise UnreadableFile(
            f"{out} is no result of rnnlens explain with blocks: it has no file {FOLDER}/{MANIFEST}"
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        whole, manifest = False, Manifest({}, "")
    if not whole:
        raise UnreadableFile(
            f"{path} is damaged or of another version of rnnlens: explain the archive anew into "
            "another --out"
        )
    return manifest


def _baseline(folder: Path) -> Baseline:
    with np.load(folder / BASELINE, allow_pickle=False) as kept:
        return Baseline(str(kept["text"]), tuple(kept["windows"]), kept["held"])


def kept_baseline(out: Path) -> Baseline | None:
    """Read the baseline that a result keeps; None where it is damaged."""
    try:
        return _baseline(out / FOLDER)
    except DAMAGED:
        return None


@lru_cache(maxsize=2)
def load(out: str, archive: str, identity: str) -> Job:
    """Read a job as it was kept, once a process; the archive may lie elsewhere by now."""
    from rnnlens.readers.native.npz import read

    folder = Path(out, FOLDER)
    manifest = read_manifest(Path(out))
    if manifest.identity != identity:
        raise UnreadableFile(
            f"{folder / MANIFEST} was changed while blocks were explained: give the same command "
            "again"
        )
    sidecar = Sidecar(**from_toml(manifest.settings["sidecar"]))
    source = open_source(archive, sidecar)
    return Job(manifest, read(folder / NETWORK), _baseline(folder), Cutter.of(source, sidecar))


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False).encode("utf-8")
