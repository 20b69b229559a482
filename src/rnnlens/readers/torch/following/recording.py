"""A module's call as the graph that its code makes, where a record of it shows all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rnnlens.errors import RnnlensError
from rnnlens.readers.torch.export import quiet, unvalidated
from rnnlens.readers.torch.following.escapes import NotRecorded, NotServed
from rnnlens.readers.torch.following.paired import paired
from rnnlens.readers.torch.following.recorder import Recording, recorded
from rnnlens.readers.torch.graph.read import CanonicalGraph, canonical_graph

if TYPE_CHECKING:
    import torch

    from rnnlens.readers.torch.signature.subject import Subject

__all__ = ["graph_of_call"]

#: Samples in each record: sizes that nothing else is likely to have, and of which neither is a
#: multiple of the other.
SAMPLES = (7, 11)


def graph_of_call(
    subject: Subject, axes: Sequence[int], example: list[torch.Tensor]
) -> CanonicalGraph:
    """Give the graph of a call, with the samples of each input in its axis.

    Raises
    ------
    NotRecorded
        If a record of the call would not tell all that the module's code does.
    UnsupportedModel
        If the graph holds what is not read.
    """
    if subject.packs:  # what packing gives has sizes that the numbers tell
        raise NotRecorded("it packs its sequences")
    records = [_record(subject, axes, example, samples) for samples in SAMPLES]
    kept = [] if subject.carried is None else subject.carried.kept
    names = [
        *(f"tensors_{k}" for k in range(len(example))),
        *(f"states_{k}" for k in range(len(kept))),
    ]
    followed, writes = paired(records, SAMPLES, names)
    entries = [*subject.call.names, *(one.expanded(SAMPLES[0]) for one in kept)]
    return replace(canonical_graph(followed, entries), writes=writes)


def _record(
    subject: Subject, axes: Sequence[int], example: list[torch.Tensor], samples: int
) -> Recording:
    """Record a call on so many samples, the example's over and over."""
    import torch

    tensors = [
        one.index_select(axis, torch.arange(samples) % one.shape[axis])
        for one, axis in zip(example, axes, strict=True)
    ]
    kept = [] if subject.carried is None else subject.carried.kept
    states = [one.expanded(samples) for one in kept]
    fast = torch.backends.mha.get_fastpath_enabled()
    try:
        torch.backends.mha.set_fastpath_enabled(False)  # attention in operations that are read
        with quiet(), unvalidated():
            return recorded(
                subject.module, [*tensors, *states], lambda: subject.module(tensors, states)
            )
    except RnnlensError:
        raise
    except Exception as error:  # the module's own code, or PyTorch of another version
        if _runs(subject, tensors, states):
            raise NotRecorded("it cannot be recorded") from error
        raise NotServed("it does not run on windows of another shape") from error
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def _runs(subject: Subject, tensors: list[torch.Tensor], states: list[torch.Tensor]) -> bool:
    """Say whether the module runs on these when nobody writes down what it does."""
    import torch

    try:
        with torch.no_grad(), quiet():
            subject.module([one.clone() for one in tensors], states)
    except Exception:  # code of anybody's
        return False
    return True
