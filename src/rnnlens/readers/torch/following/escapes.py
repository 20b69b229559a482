"""Ways by which a tensor's numbers, or its memory, leave what PyTorch's operations show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from rnnlens.readers.refusals import WrongSampleAxis
from rnnlens.readers.torch.following.rewritten import REWRITTEN

if TYPE_CHECKING:
    import torch

__all__ = ["END", "NotRecorded", "NotServed", "deciding", "without_escapes"]

#: Methods that hand out numbers or memory.
METHODS = frozenset(
    {"numpy", "tolist", "item", "data_ptr", "storage", "untyped_storage", "__array__"}
    | {"__dlpack__", "__reduce_ex__", "__deepcopy__", "__bool__", "__int__", "__float__"}
    | {"__complex__", "__index__", "__contains__", "apply_", "map_", "set_", "as_subclass"}
    | {"__set__", "__delete__"}
)
#: What a tensor may be asked for besides.
ATTRIBUTES = frozenset(
    {"shape", "dtype", "device", "ndim", "layout", "requires_grad", "is_leaf", "itemsize"}
    | {"is_cuda", "is_cpu", "is_meta", "is_mps", "is_sparse", "is_quantized", "is_nested"}
    | {"T", "mT", "H", "mH"}
)
#: The end of a slice that has none.
END = 2**63 - 1
#: Operations whose result's size, or what code does next, may be told by numbers.
TELLING = frozenset({"item", "_local_scalar_dense", "is_nonzero", "equal", "allclose"})


class NotRecorded(BaseException):
    """A call of which a record would not tell all that its code does.

    No error of a user's, and none that ``except Exception`` in a module's code may catch.
    """


class NotServed(WrongSampleAxis):
    """A shape that the module does not take, whoever calls it."""


def deciding(operation: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Say whether more than the numbers that an operation gives is decided by those it takes.

    By chance too, which layers take in training alone.
    """
    import torch

    if operation is torch.ops.aten.index.Tensor:  # by places, or by yes and no
        return any(one is not None and one.dtype in {torch.bool, torch.uint8} for one in args[1])
    tags = operation.tags
    if torch.Tag.nondeterministic_seeded in tags:
        schema = operation._schema.arguments
        usual = {one.name: one.default_value for one in schema if one.has_default_value()}
        given = zip((one.name for one in schema), args, strict=False)
        named = {**usual, **dict(given), **kwargs}
        return bool(named.get("train", named.get("training", named.get("dropout_p", True))))
    return (
        operation.overloadpacket.__name__ in TELLING
        or torch.Tag.data_dependent_output in tags
        or torch.Tag.dynamic_output_shape in tags
    )


def _wholly_sliced(x: torch.Tensor, index: Any) -> torch.Tensor:
    """Take the whole of an axis where ``x[:, 0]`` says so, as ``torch.export`` writes it down.

    PyTorch takes nothing there where it knows the size; that of the samples is not known.
    """
    import torch

    axis = 0
    for one in index if isinstance(index, tuple) else (index,):
        if one is Ellipsis:
            break
        if isinstance(one, slice) and one == slice(None):
            x = torch.ops.aten.slice.Tensor(x, axis, 0, END)
        axis += one is not None
    return x


@cache
def without_escapes() -> type[torch.overrides.TorchFunctionMode]:
    """Give the mode that lets no number out, and puts functions in words that are read."""
    import torch
    from torch.overrides import TorchFunctionMode

    class WithoutEscapes(TorchFunctionMode):
        def __torch_function__(  # noqa: PLW3201  (PyTorch's own protocol)
            self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
        ) -> Any:
            name = getattr(func, "__name__", "")
            if name == "__get__" and getattr(func.__self__, "__name__", "") not in ATTRIBUTES:
                raise NotRecorded(f"it takes {func.__self__.__name__} of a tensor")
            if name in METHODS:
                raise NotRecorded(f"it calls {name} of a tensor")
            if name == "__getitem__":
                args = (_wholly_sliced(*args), args[1])
            if name in REWRITTEN and not isinstance(func, torch._ops.OpOverload):
                with self:  # slices in those words are taken as above
                    made = REWRITTEN[name](*args, **(kwargs or {}))
                if made is not None:
                    return made
            return func(*args, **(kwargs or {}))

    return WithoutEscapes
