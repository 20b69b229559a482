"""Files of ``torch.save``: state dicts alone, read by ``torch.load`` with ``weights_only=True``.

A pickle can run code, so nothing that ``weights_only`` refuses is ever opened another way.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import MissingLibrary, UnreadableFile, UnsupportedModel
from rnnlens.network.network import Origin
from rnnlens.readers.hardening.contents import digest_of
from rnnlens.readers.hardening.zips import is_zip, zip_names
from rnnlens.readers.layouts import CellArray
from rnnlens.readers.refusals import first_line
from rnnlens.readers.torch.state import PATTERN, LazyArray
from rnnlens.readers.variables import LARGEST_ARRAY

if TYPE_CHECKING:
    import torch

__all__ = ["arrays_of", "match", "state_dict_in", "state_dicts"]

#: torch/serialization.py, MAGIC_NUMBER as the first pickle of the container before PyTorch 1.6.
LEGACY = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
#: Members by which an archive of torch.save, of torch.jit.save or of torch.export.save is known.
MARKS = frozenset({"data.pkl", "constants.pkl", "archive_format"})
#: Members in an archive at most: a state dict has one an array and a few besides.
MEMBERS = 100_000
#: How deep a checkpoint may nest the state dict.
DEPTH = 4

#: A state dict: tensors, and whatever else was put among them, by name.
StateDict = Mapping[str, Any]

SAVE = 'torch.save(model.state_dict(), "weights.pt")'


def match(path: Path) -> bool:
    """Tell whether a file was written by PyTorch, by its content."""
    if _is_legacy(path):
        return True
    return is_zip(path) and any(_last(name) in MARKS for name in zip_names(path) or ())


def _is_legacy(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(LEGACY)) == LEGACY


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def state_dict_in(path: Path) -> tuple[dict[str, LazyArray], Origin]:
    """Give the arrays of the state dict in a file, not yet loaded."""
    zipped = not _is_legacy(path)  # PyTorch looks at the first bytes too; a zip may follow them
    if zipped:
        _check_archive(path)
    state, where = _only(path, _load(path))
    notes = (f"the state dict was found under {where!r} in the checkpoint",) if where else ()
    kind = "zip" if zipped else "container before 1.6"
    origin = Origin(f"PyTorch state dict ({kind})", "", str(path), digest_of(path), notes)
    return arrays_of(state, where), origin


def _check_archive(path: Path) -> None:
    names = zip_names(path) or []
    if any(_last(name) == "constants.pkl" or "/code/" in name for name in names):
        raise UnsupportedModel(
            f"{path} is a TorchScript archive, a program that rnnlens does not run: save its "
            f'weights with torch.save(torch.jit.load("{path.name}").state_dict(), "weights.pt") '
            "and give that file"
        )
    if any(_last(name) == "archive_format" for name in names):
        raise UnsupportedModel(
            f"{path} is an archive of torch.export.save, a program that rnnlens does not run: give "
            f"the state dict of the model that was exported, {SAVE}"
        )
    size = path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    # PyTorch stores its members as they are, so together they are smaller than the file.
    if len(members) > MEMBERS or unpacked > size:
        raise UnreadableFile(
            f"{path} is an archive of {len(members)} members that unpack to {unpacked} bytes from "
            f"a file of {size}, which PyTorch does not write: it is damaged or hostile"
        )


def _load(path: Path) -> object:
    if find_spec("torch") is None:
        raise MissingLibrary(
            f"{path} is a PyTorch file, and torch is not installed: "
            'pip install "rnnlens[torch]", or save the weights as safetensors'
        )
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # a damaged file makes the unpickler fail in every way there is
        raise UnreadableFile(_refusal(path, error)) from error


def _refusal(path: Path, error: Exception) -> str:
    # torch.load says by its text alone whether it refuses a pickle or cannot read one: both are
    # pickle.UnpicklingError, or whatever a damaged file leads to
    reason = str(error)
    pickled = re.search(r"(?:GLOBAL|global|class) ([\w.]+\.[\w.]+)", reason)
    if "weights_only" in reason.lower() or "weights only" in reason.lower():
        what = f" ({pickled[1].rstrip('.')})" if pickled else ""
        return (
            f"{path} holds pickled Python objects{what}, and opening them would run code from "
            f"the file, so rnnlens does not: where the model is at home, write {SAVE} and give "
            "that file"
        )
    said = first_line(error, 200)
    return f"{path} is damaged: PyTorch does not open it ({said}); save or download it again"


def _only(path: Path, content: object) -> tuple[StateDict, str]:
    candidates = list(state_dicts(content))
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        listed = ", ".join(repr(where or "the top") for _, where in candidates)
        raise UnsupportedModel(
            f"{path} holds {len(candidates)} state dicts with recurrent layers (under {listed}): "
            "save the one that is meant in a file of its own"
        )
    kind = type(content).__name__
    keys = [str(key) for key in content][:6] if isinstance(content, Mapping) else []
    held = f"a {kind} with {', '.join(keys)}" if keys else f"a {kind}"
    raise UnsupportedModel(
        f"{path} holds no state dict with a recurrent layer, whose arrays are called weight_ih, "
        f"weight_hh or weight_ih_l0, weight_hh_l0 (it holds {held})"
    )


def state_dicts(content: object, where: str = "") -> Iterator[tuple[StateDict, str]]:
    """Find the state dicts with recurrent layers in what a checkpoint holds."""
    if not isinstance(content, Mapping):
        return
    named = {key: value for key, value in content.items() if isinstance(key, str)}
    if any(PATTERN.fullmatch(key) and hasattr(value, "shape") for key, value in named.items()):
        yield named, where
        return
    if where.count(".") + bool(where) < DEPTH:
        for key, value in named.items():
            yield from state_dicts(value, f"{where}.{key}" if where else key)


def arrays_of(state: StateDict, where: str = "") -> dict[str, LazyArray]:
    """Give the tensors of a state dict as arrays that are copied when they are needed."""
    prefix = f"{where}." if where else ""
    return {
        key: LazyArray(
            tuple(value.shape), lambda k=key, v=value: CellArray(_copied(k, v), k, prefix + k)
        )
        for key, value in state.items()
        if hasattr(value, "detach") and hasattr(value, "shape")
    }


def _copied(name: str, tensor: torch.Tensor) -> np.ndarray:
    import torch

    if tensor.is_meta or tensor.is_quantized or tensor.layout != torch.strided:
        raise UnsupportedModel(
            f"array {name} is quantised, sparse or without values: save the model with plain "
            "float32 or float64 arrays"
        )
    if not tensor.is_floating_point():
        raise UnsupportedModel(
            f"array {name} holds {tensor.dtype}, not floating-point numbers: save the model with "
            "plain float32 or float64 arrays"
        )
    if tensor.numel() * tensor.element_size() > LARGEST_ARRAY:
        raise UnreadableFile(
            f"array {name} has shape {tuple(tensor.shape)}, more than is ever read from a file: "
            "it is damaged or not what it seems"
        )
    # NumPy has no bfloat16, and float32 holds every number of it
    plain = tensor.float() if tensor.dtype == torch.bfloat16 else tensor
    return plain.detach().cpu().resolve_conj().resolve_neg().numpy().copy()
