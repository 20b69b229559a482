"""Packed sequences, followed on the padded batch with the lengths beside it.

``torch.export`` cannot follow packing, whose result has a size that only the data tell. While a
module is exported, `torch.nn.utils.rnn` therefore packs nothing here: a `PackedSequence` holds the
padded batch, samples first, with the lengths in the place of its batch sizes, and each recurrent
layer is told by a mark in the graph (``rnnlens::lengths``) which steps of it are real. Sorting by
length changes nothing then, so the order that it gives is that of the samples as they come.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from rnnlens.errors import UnsupportedModel

if TYPE_CHECKING:
    import torch

__all__ = ["followed", "replaced"]

#: Attributes set on tensors while a module is followed: that it stands for the batch sizes of so
#: many steps, and that it is the order of the samples as they come.
STEPS, SAME_ORDER = "_rnnlens_steps", "_rnnlens_same_order"

#: What both marks take and give.
SCHEMA = "(Tensor x, Tensor n) -> Tensor"


@cache
def _marks() -> tuple[Any, Any]:
    """Give the two marks: a sequence of which so much is real, and a whole one again."""
    import torch

    @torch.library.custom_op("rnnlens::lengths", mutates_args=(), schema=SCHEMA)
    def lengths(x: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
        return x.clone()

    @torch.library.custom_op("rnnlens::padded", mutates_args=(), schema=SCHEMA)
    def padded(x: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
        return x.clone()

    for mark in (lengths, padded):
        mark.register_fake(lambda x, n: torch.empty_like(x))
    return lengths, padded


def replaced(module: torch.nn.Module) -> None:
    """Let the recurrent layers of a module take packed sequences as they are followed here."""
    import torch

    for part in module.modules():
        if isinstance(part, torch.nn.RNNBase):
            part.forward = _taking_lengths(part, part.forward)


def _taking_lengths(layer: torch.nn.RNNBase, plain: Any) -> Any:
    from torch.nn.utils.rnn import PackedSequence

    def forward(input: Any, hx: Any = None) -> Any:
        if not isinstance(input, PackedSequence):
            return plain(input, hx)
        x = _marks()[0](input.data, input.batch_sizes)
        x = x if layer.batch_first else x.transpose(0, 1)
        output, states = plain(x, hx)
        output = output if layer.batch_first else output.transpose(0, 1)
        return input._replace(data=output), states

    return forward


@contextmanager
def followed(*, enabled: bool) -> Generator[None]:
    """Follow packing, and sorting by length, on the padded batch."""
    if not enabled:
        yield
        return
    with _mode()():
        yield


@cache
def _mode() -> type:
    from torch.overrides import TorchFunctionMode

    class Followed(TorchFunctionMode):
        def __torch_function__(  # noqa: PLW3201  (PyTorch's own name for it)
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            rule = RULES.get(getattr(func, "__name__", ""))
            given = None if rule is None else rule(func, args, kwargs or {})
            return func(*args, **(kwargs or {})) if given is None else given

    return Followed


def _pack(func: Any, args: Any, kwargs: Any) -> Any:
    x, lengths, batch_first = args
    x = x if batch_first else x.transpose(0, 1)
    sizes = lengths.view(-1)
    setattr(sizes, STEPS, x.shape[1])
    return x, sizes


def _pad(func: Any, args: Any, kwargs: Any) -> Any:
    data, sizes, batch_first, filling, steps = args
    if filling:
        raise UnsupportedModel(
            f"the module pads its sequences with {filling:g} (pad_packed_sequence), and rnnlens "
            "reads those that are padded with 0: leave padding_value out, or read the final state"
        )
    if steps != data.shape[1]:
        raise UnsupportedModel(
            f"the module pads its sequences to {steps} steps (pad_packed_sequence), and the "
            f"example has {data.shape[1]}: give an example of that many steps"
        )
    whole = _marks()[1](data, sizes)
    return (whole if batch_first else whole.transpose(0, 1)), sizes.view(-1)


def _size(func: Any, args: Any, kwargs: Any) -> Any:
    steps = getattr(args[0], STEPS, None)
    return steps if steps is not None and len(args) == 2 and args[1] == 0 else None


def _sort(func: Any, args: Any, kwargs: Any) -> Any:
    import torch

    x = args[0]
    if x.ndim != 1:
        return None
    if getattr(x, SAME_ORDER, False):
        order = x
    elif type(x.shape[0]) is int:
        return None
    else:
        order = torch.arange(x.shape[0])
        setattr(order, SAME_ORDER, True)
    if func.__name__ == "argsort":
        return order
    return torch.return_types.sort((x, order))


def _kept(func: Any, args: Any, kwargs: Any) -> Any:
    return args[0] if getattr(args[0], SAME_ORDER, False) else None


def _picked(func: Any, args: Any, kwargs: Any) -> Any:
    x, *where = (*args, *kwargs.values())
    if isinstance(where[-1], tuple) and all(one == slice(None) for one in where[-1][:-1]):
        where = list(where[-1])
    return x if getattr(where[-1], SAME_ORDER, False) else None


def _scattered(func: Any, args: Any, kwargs: Any) -> Any:
    order = (*args, *kwargs.values())[2]
    if not getattr(order, SAME_ORDER, False):
        return None
    setattr(args[0], SAME_ORDER, True)  # the inverse of an order that changes nothing
    return args[0]


#: What is done in the place of a function of PyTorch, by its name; None leaves it as it is.
RULES = {
    "_pack_padded_sequence": _pack,
    "_pad_packed_sequence": _pad,
    "size": _size,
    "sort": _sort,
    "argsort": _sort,
    "to": _kept,
    "cpu": _kept,
    "long": _kept,
    "index_select": _picked,
    "__getitem__": _picked,
    "scatter_": _scattered,
}
