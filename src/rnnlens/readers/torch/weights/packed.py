"""Dynamically quantised layers: their packed arrays by the names that plain layers give them.

``torch.ao.quantization.quantize_dynamic`` keeps the weights of an LSTM or a GRU in objects of C++,
one a layer and direction (aten/src/ATen/native/quantized/cudnn and RNN.cpp, ``CellParamsBase``):
``("quantized_dynamic", [bias_ih, bias_hh], [], [...], [packed weight_ih, packed weight_hh])``.
Their state is plain: tensors of whole numbers with a scale.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Mapping

from rnnlens.names import told
from rnnlens.pickles.inert import Global, Made

__all__ = ["ROUNDED", "beside", "of_whole_numbers", "unpacked"]

#: What a network read from such layers leaves out.
ROUNDED = told(
    "the model itself rounds within its quantised layers at every step; the network as read has "
    "their weights and does not round"
)


#: One layer and direction of an LSTM or GRU, by its number.
CELL = re.compile(r"(?P<module>(?:.+\.)?)_all_weight_values\.(?P<number>\d{1,5})\.param")
#: One kernel of a Cell, with its bias.
KERNEL = re.compile(r"(?P<module>(?:.+\.)?)_packed_weight_(?P<role>[ih]h)")
#: A linear layer: its kernel and its bias.
LINEAR = re.compile(r"(?P<module>(?:.+\.)?)_packed_params\._packed_params")
PACKED = "_packed_params._packed_params"
#: What such a linear layer holds besides.
BESIDE = ("_packed_params.dtype", "scale", "zero_point")
#: The class of the packed objects, and that of a number in PyTorch.
SCRIPT_OBJECT = Global("torch", "ScriptObject")


def _inert(value: object) -> object:
    """Give a live packed object as its state, as a file has it; anything else as it is."""
    kind = getattr(sys.modules.get("torch"), "ScriptObject", None)
    if isinstance(kind, type) and isinstance(value, kind):
        return Made(SCRIPT_OBJECT, (), value.__getstate__())
    return value


def unpacked(key: str, value: object) -> dict[str, object] | None:
    """Give the arrays of a packed value by plain names; None for a value that is not packed.

    The layers of a module stand under the names ``weight_ih_p0``, ``weight_ih_p1``, ... until it is
    known whether there are two directions (`rnnlens.readers.torch.weights.folded`).
    """
    match = CELL.fullmatch(key)
    if match:
        return _cell(f"{match['module']}", f"_p{match['number']}", value)
    match = KERNEL.fullmatch(key)
    if match:
        return _kernel(match["module"], match["role"], "", value)
    match = LINEAR.fullmatch(key)
    if match and isinstance(value, tuple) and len(value) == 2:
        return {f"{match['module']}weight": value[0], f"{match['module']}bias": value[1]}
    return None


def of_whole_numbers(arrays: Mapping[str, object]) -> bool:
    """Tell whether unpacked arrays are of whole numbers; those in float16 are only kept so."""
    return any(
        getattr(value, "is_quantized", False)
        or (isinstance(value, Made) and value.maker.name == "_rebuild_qtensor")
        for value in arrays.values()
    )


def beside(names: Collection[str]) -> set[str]:
    """Give what quantised layers hold beside their arrays, for inputs of whole numbers alone."""
    modules = [name.removesuffix(PACKED) for name in names if LINEAR.fullmatch(name)]
    return {f"{module}{own}" for module in modules for own in BESIDE} & set(names)


def _state(value: object) -> object:
    """Give the state of a packed object without the name of its class."""
    value = _inert(value)
    if isinstance(value, Made) and value.maker == SCRIPT_OBJECT:
        state = value.state
        if isinstance(state, tuple) and len(state) == 2 and isinstance(state[1], str):
            return state[0]
    return None


def _cell(module: str, level: str, value: object) -> dict[str, object] | None:
    state = _state(value)
    if not isinstance(state, tuple) or len(state) < 5:
        return None
    biases, kernels = state[1], state[-1]
    if not isinstance(kernels, list) or len(kernels) != 2 or not isinstance(biases, list):
        return None
    arrays: dict[str, object] = {}
    for role, kernel in zip(("ih", "hh"), kernels, strict=True):
        arrays |= _kernel(module, role, level, kernel) or {}
    for role, bias in zip(("ih", "hh"), biases, strict=False):
        arrays[f"{module}bias_{role}{level}"] = bias
    return arrays


def _kernel(module: str, role: str, level: str, value: object) -> dict[str, object] | None:
    state = _state(value)
    if not isinstance(state, tuple) or len(state) != 2:
        return None
    weight, bias = state
    arrays: dict[str, object] = {f"{module}weight_{role}{level}": weight}
    if bias is not None:
        arrays[f"{module}bias_{role}{level}"] = bias
    return arrays
