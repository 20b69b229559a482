"""Masked steps in PyTorch's forward code: a layer runs over the real steps alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rnnlens.network.layers import Bidirectional, GlobalPooling1D, Recurrent
from rnnlens.network.network import Node, Ref
from rnnlens.writers.masks import Expression
from rnnlens.writers.torch.graph import TorchClassWriter
from rnnlens.writers.torch.recurrent import merged_sides, recurrent_lines, sides
from rnnlens.writers.written import refuse

__all__ = ["masked_lines"]


def masked_lines(
    node: Node,
    inputs: Sequence[str],
    mask: Expression,
    values: Mapping[Ref, str],
    writer: TorchClassWriter,
) -> list[str]:
    """Write a layer that takes a masked sequence."""
    layer = node.layer
    real = writer.fresh("real")
    writer.line(f"{real} = {_real(mask, values)}")
    if isinstance(layer, GlobalPooling1D):
        kept = f"{real}.unsqueeze(-1).to({inputs[0]}.dtype)"
        keep = ", keepdim=True" if layer.keepdims else ""
        sums = [f"({inputs[0]} * {kept}).sum(1{keep})", f"{kept}.sum(1{keep})"]
        return [writer.assign(f"{sums[0]} / {sums[1]}")]
    both = sides(layer)
    if both[0].return_state:
        refuse(
            node.name,
            layer,
            "it takes a masked sequence and gives its states, which rnnlens writes for no module "
            "of PyTorch; write .onnx or .npz, which hold it",
        )
    straight, writer.straight = writer.straight, False
    half = 1 + (len(inputs) - 1) // len(both)
    starts = (inputs[1:half], inputs[half:])
    ways = [
        _way(side, [inputs[0], *own], real, writer) for side, own in zip(both, starts, strict=False)
    ]
    if isinstance(layer, Bidirectional) and layer.forward.return_sequences:
        ways[1] = writer.assign(f"{ways[1]}.flip(1)")
    writer.straight = straight
    return merged_sides(layer, ways, writer)


def _real(mask: Expression, values: Mapping[Ref, str]) -> str:
    """Give a mask as code: (sample, step) of bool."""
    kind, *parts = mask
    if kind == "any":
        return f"{_real(parts[0], values)}.any(-1)"
    if kind == "not_equal":
        return f"({values[parts[0]]} != {parts[1]!r})"
    if kind == "or":
        return f"({' | '.join(_real(part, values) for part in parts)})"
    if kind == "joined":
        return f"torch.cat([{', '.join(_real(part, values) for part in parts)}], dim=1)"
    if kind == "ones":
        x = values[parts[0]]
        return f"torch.ones({x}.shape[:2], dtype=torch.bool, device={x}.device)"
    x, lengths, newest = parts
    steps = f"torch.arange({values[x]}.shape[1], device={values[x]}.device)"
    counted = f"{steps}.flip(0)" if newest else steps
    return f"({counted} < {values[lengths]}.round().unsqueeze(1))"


def _way(side: Recurrent, inputs: Sequence[str], real: str, writer: TorchClassWriter) -> str:
    """Write one direction; give its output at every step, or at the last one."""
    x, *states = inputs
    if side.go_backwards:
        x = writer.assign(f"{x}.flip(1)", "turned")
        real = writer.assign(f"{real}.flip(1)", "real")
    places = writer.assign(f"{real}.cumsum(1) - 1", "places")
    order = writer.assign(f"torch.argsort({real}.int(), dim=1, descending=True, stable=True)")
    packed = writer.assign(f"torch.take_along_dim({x}, {order}.unsqueeze(-1), dim=1)", "packed")
    plain = Node(writer.scope, forward_of(side, writer))
    (y,) = recurrent_lines([plain], [packed, *states], writer)
    if not side.return_sequences:
        places = writer.assign(f"{places}[:, -1:]", "places")
    found = f"torch.take_along_dim({y}, {places}.clamp(min=0).unsqueeze(-1), dim=1)"
    there = f"({places} >= 0)"
    if side.zero_output_for_mask:
        there = real if side.return_sequences else f"{real}[:, -1:]"
    output = writer.assign(f"{found} * {there}.unsqueeze(-1)")
    return output if side.return_sequences else writer.assign(f"{output}[:, 0]")


def forward_of(side: Recurrent, writer: TorchClassWriter) -> Recurrent:
    """Give a direction as one that reads steps in order and gives all of them; made once."""
    return writer.directions.setdefault(id(side), _plain(side))


def _plain(side: Recurrent) -> Recurrent:
    return replace(side, go_backwards=False, return_sequences=True, zero_output_for_mask=False)
