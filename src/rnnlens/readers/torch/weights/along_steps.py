"""Stated layers that take several steps at once: convolutions, and pools of neighbouring steps."""

from __future__ import annotations

from typing import Literal, TypedDict

from rnnlens.network.layers import Conv1D, Pooling1D
from rnnlens.network.network import Source
from rnnlens.readers.torch.weights.stated_arrays import Sources, StatedArrays, label_of
from rnnlens.readers.torch.weights.statement import Part, wrong

__all__ = ["stated_conv", "stated_pool"]


def stated_conv(taken: StatedArrays, part: Part, width: int | None) -> tuple[str, Conv1D, Sources]:
    """Make a convolution over the steps of so many channels; its label, where its arrays lay."""
    name = taken.name_of(part, named=False)
    weight, bias = taken.array(name, "weight"), taken.arrays.get(f"{name}.bias")
    if len(weight.shape) != 3:
        raise wrong(taken.text, f"{name} has a weight of shape {weight.shape}, not three axes")
    units, channels, taps = weight.shape
    if bias is not None and bias.shape != (units,):
        raise wrong(taken.text, f"{name} has a bias of shape {bias.shape} for {units} channels")
    options = _options(taken, part, taps)
    channels *= options["groups"]
    if width not in {None, channels}:
        raise wrong(taken.text, f"{name} takes {channels} numbers, but {width} come")
    W, b = weight.load(), None if bias is None else bias.load()
    sources = {"W": Source(f"{W.text} transposed", W.stored_at)}
    if b is not None:
        sources["b"] = Source(b.text, b.stored_at)
    taken.used |= {f"{name}.weight", f"{name}.bias"}
    kernel = W.values.transpose(2, 1, 0).copy()
    layer = Conv1D(kernel, None if b is None else b.values.copy(), **options)
    return label_of(name), layer, sources


class _Options(TypedDict):
    """How a convolution goes along the steps."""

    stride: int
    dilation: int
    groups: int
    padding: Literal["valid", "same"]


def _options(taken: StatedArrays, part: Part, taps: int) -> _Options:
    """Read what a convolution of so many taps says of itself, as PyTorch's arguments."""
    given = dict(part.named)
    padding = given.pop("padding", "0")
    stride, dilation, groups = (
        _count(taken, part, given.pop(option, "1")) for option in ("stride", "dilation", "groups")
    )
    reach = dilation * (taps - 1)
    if padding.isdigit():  # as many zeros before the first step as behind the last
        padding = {0: "valid", reach: "same"}.get(2 * int(padding), "")
    same = padding == "same" and reach > 0
    if given or padding not in {"valid", "same"} or (same and stride > 1):
        raise wrong(
            taken.text,
            f"{part.word} takes its name, stride, dilation, groups, and padding=0 or, without a "
            "stride, padding=same",
        )
    return _Options(
        stride=stride, dilation=dilation, groups=groups, padding="same" if same else "valid"
    )


def stated_pool(taken: StatedArrays, part: Part, word: str) -> Pooling1D:
    """Make a pool of neighbouring steps."""
    given = dict(part.named)
    size = _count(taken, part, part.given[0] if len(part.given) == 1 else "")
    stride = _count(taken, part, given.pop("stride", str(size)))
    if given:
        raise _wrong_count(taken, part)
    return Pooling1D("max" if word == "maxpool1d" else "average", size, stride)


def _count(taken: StatedArrays, part: Part, text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 10_000:
        raise _wrong_count(taken, part)
    return int(text)


def _wrong_count(taken: StatedArrays, part: Part) -> Exception:
    return wrong(
        taken.text,
        f"{part.word} takes whole numbers, as in Conv1d(conv, stride=2) or MaxPool1d(2, stride=1)",
    )
