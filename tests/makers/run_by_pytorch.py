"""A class of PyTorch and its state dict, as rnnlens writes them, run with no code of rnnlens."""

import json

import numpy as np
import torch

TYPES = {"F64": np.float64, "F32": np.float32}


def state_dict(data):
    """Read a safetensors file as its format says, with no code of rnnlens."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + at for at in entry["data_offsets"])
        values = np.frombuffer(data[begin:end], TYPES[entry["dtype"]]).reshape(entry["shape"])
        tensors[name] = torch.tensor(values.copy())
    return tensors


def many(outputs):
    return list(outputs) if isinstance(outputs, tuple | list) else [outputs]


def by_pytorch(made, inputs):
    """Run the class that is written, with the arrays that are written."""
    space: dict = {}
    exec(made.code, space)  # the code is ours and is shown to the user to be run
    module = space["Network"]().double().eval()
    module.load_state_dict(state_dict(made.data), strict=True)
    with torch.no_grad():
        return many(module(*(torch.tensor(values) for values in inputs.values())))
