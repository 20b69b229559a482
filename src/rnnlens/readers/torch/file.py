"""Files of ``torch.save`` and ``torch.jit.save``: the state dicts in them, and nothing is run.

A pickle can run code, so none is ever unpickled: its instructions are read, and only tensors come
out (`rnnlens.readers.torch.checkpoint`). PyTorch itself is not needed.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rnnlens.errors import UnsupportedModel
from rnnlens.names import told
from rnnlens.network.network import Origin, Rounding
from rnnlens.pickles.inert import Made, Pairs, shown
from rnnlens.readers.hardening.contents import digest_of
from rnnlens.readers.hardening.zips import is_zip, zip_names
from rnnlens.readers.torch.checkpoint.container import (
    LEGACY,
    Checkpoint,
    is_legacy,
    last_part,
    opened,
)
from rnnlens.readers.torch.checkpoint.parts import Part, parts_of
from rnnlens.readers.torch.checkpoint.tensors import Tensors
from rnnlens.readers.torch.checkpoint.walk import entries_of

__all__ = ["LEGACY", "match", "origin_of", "parts_in"]

#: Members by which an archive of torch.save, of torch.jit.save or of torch.export.save is known.
MARKS = frozenset({"data.pkl", "constants.pkl", "archive_format"})


def match(path: Path) -> bool:
    """Tell whether a file was written by PyTorch, by its content."""
    if is_legacy(path):
        return True
    return is_zip(path) and any(last_part(name) in MARKS for name in zip_names(path) or ())


def parts_in(path: Path) -> tuple[list[Part], Origin]:
    """Give the state dicts in a file, their arrays not yet loaded."""
    checkpoint = opened(path)
    tensors = Tensors(path, checkpoint.numbers)
    parts = parts_of(checkpoint.content, tensors.array_of, scripted=checkpoint.scripted)
    if not parts:
        raise UnsupportedModel(
            f"{path} holds no state dict with a recurrent layer, whose arrays are called "
            "weight_ih, weight_hh or weight_ih_l0, weight_hh_l0 (it holds "
            f"{_held(checkpoint, tensors)})"
        )
    return parts, Origin(f"PyTorch state dict ({checkpoint.kind})", "", str(path), digest_of(path))


def origin_of(origin: Origin, part: Part) -> Origin:
    """Say of a part of a file where it was found, and what it was."""
    notes = list(origin.notes)
    if part.where:
        notes.append(
            told("the state dict was found under {place} in the checkpoint", place=repr(part.where))
        )
    if part.pickled:
        notes.append(
            told(
                "the arrays are those of a pickled {kind}, which was not run: its own code says "
                "how they are used",
                kind=part.pickled,
            )
        )
    left = (*origin.left_out, *part.left_out)
    rounds: Rounding = "int8" if part.rounded else ""
    return replace(origin, notes=tuple(notes), assumed=(), left_out=left, rounds=rounds)


def _held(checkpoint: Checkpoint, tensors: Tensors) -> str:
    content = checkpoint.content
    if tensors.array_of("", content) is not None:
        return "a Tensor"
    keys = [shown(key) for key in list(entries_of(content) or {})[:6]]
    if isinstance(content, Made) and not keys:
        return f"an object of the class {content.maker.path}"
    kind = "dict" if isinstance(content, Pairs | Made) else type(content).__name__
    return f"a {kind} with {', '.join(keys)}" if keys else f"a {kind}"
