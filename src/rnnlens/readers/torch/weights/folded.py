"""What is put around a weight, folded into it: weight_norm, spectral_norm, packed layers.

``weight_norm`` (torch/nn/utils/weight_norm.py, parametrizations.py ``_WeightNorm``): ``W = g v /
|v|``, the norm over all axes but those along which ``g`` differs. ``spectral_norm``
(spectral_norm.py, ``_SpectralNorm``): ``W = w / sigma``, ``sigma = u . (w v)``, in evaluation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from rnnlens.errors import UnsupportedModel
from rnnlens.readers.layouts import CellArray
from rnnlens.readers.torch.weights.lazy import LazyArray
from rnnlens.readers.torch.weights.names import is_recurrent

__all__ = ["Folded", "folded"]

#: Arrays of a parametrised weight, by what each is: the older form keeps them beside one another.
OLDER = re.compile(r"(?P<name>(?:.+\.)?(?:weight|bias)\w*?)_(?P<part>g|v|u|orig)")
NEWER = re.compile(
    r"(?P<module>(?:.+\.)?)parametrizations\.(?P<weight>[^.]+)\."
    r"(?P<part>original0|original1|original|0\._u|0\._v|\d+\..+)"
)
PACKED = re.compile(r"(?P<start>.+)_p(?P<number>\d{1,5})")

Arrays = Mapping[str, LazyArray]
#: The arrays of one parametrised weight, by what each is.
Around = dict[str, tuple[str, LazyArray]]


class Folded(dict[str, LazyArray]):
    """Arrays by plain names, and what is assumed of them, a clause each."""

    assumed: tuple[str, ...] = ()


def folded(arrays: Arrays) -> Folded:
    """Give the arrays of a state dict as a plain module has them."""
    groups: dict[str, Around] = {}
    plain = Folded()
    for key, array in arrays.items():
        match = _around(key, arrays)
        if match is None:
            plain[key] = array
        else:
            name, part = match
            groups.setdefault(name, {})[part] = (key, array)
    for name, around in groups.items():
        plain[name] = _folded(name, around)
    return _levels(plain)


def _around(key: str, arrays: Arrays) -> tuple[str, str] | None:
    """Tell an array of a parametrised weight: the weight's name, and which of its arrays it is."""
    match = NEWER.fullmatch(key)
    if match:
        return f"{match['module']}{match['weight']}", match["part"]
    match = OLDER.fullmatch(key)
    if match and match["name"] not in arrays:
        name = match["name"]
        pairs = ("g", "v"), ("orig", "u")
        if any({f"{name}_{part}" for part in pair} <= set(arrays) for pair in pairs):
            return name, match["part"]
    return None


def _folded(name: str, around: Around) -> LazyArray:
    kinds = {
        frozenset({"g", "v"}): ("g", "v"),
        frozenset({"original0", "original1"}): ("original0", "original1"),
    }
    parts = kinds.get(frozenset(around))
    if parts is not None:
        (_, g), (_, v) = (around[part] for part in parts)
        if len(g.shape) in {0, len(v.shape)}:
            return LazyArray(v.shape, lambda: _scaled(name, around, *parts))
    for whole, u, v in (("orig", "u", "v"), ("original", "0._u", "0._v")):
        if {whole, u, v} == set(around):
            return LazyArray(
                around[whole][1].shape, lambda w=whole, a=u, b=v: _normed(name, around, w, a, b)
            )
    held = ", ".join(key for key, _ in around.values())
    raise UnsupportedModel(
        f"{name} is parametrised in a way that its arrays do not show ({held}): where the model is "
        "at home, call torch.nn.utils.parametrize.remove_parametrizations on it and save its state "
        "dict again"
    )


def _scaled(name: str, around: Around, g_part: str, v_part: str) -> CellArray:
    """Fold weight_norm: ``g v / |v|``."""
    (g_key, g_array), (v_key, v_array) = around[g_part], around[v_part]
    g, v = (array.load().values.astype(np.float64) for array in (g_array, v_array))
    axes = tuple(k for k in range(g.ndim) if g.shape[k] == 1) if g.ndim else None
    size = np.sqrt((v * v).sum(axis=axes, keepdims=g.ndim > 0))
    if not size.all() or size.shape != g.shape:
        raise UnsupportedModel(
            f"{g_key} {g.shape} and {v_key} {v.shape} are not those of a weight_norm: a row of "
            "zeros, or another shape; save the state dict of the plain module"
        )
    return CellArray(g * v / size, f"{g_key} * {v_key} / |{v_key}|", g_key)


def _normed(name: str, around: Around, whole: str, u_part: str, v_part: str) -> CellArray:
    """Fold spectral_norm: ``w / (u . w v)``."""
    w, u, v = (around[part][1].load().values.astype(np.float64) for part in (whole, u_part, v_part))
    key = around[whole][0]
    sigma = float("nan")
    for axis in range(w.ndim):  # the rows are those of the axis that u counts, the first as a rule
        rows = np.moveaxis(w, axis, 0).reshape(w.shape[axis], -1)
        if (len(u), len(v)) == rows.shape:
            sigma = float(u @ rows @ v)
            break
    if not np.isfinite(sigma) or sigma == 0:
        raise UnsupportedModel(
            f"{key} {w.shape} and the two vectors of its spectral_norm, {u.shape} and {v.shape}, "
            "do not fit one another: save the state dict of the plain module"
        )
    return CellArray(w / sigma, f"{key} / {sigma:.6g} (spectral_norm)", key)


def _levels(arrays: Folded) -> Folded:
    """Name the layers and directions of packed modules, which are numbered one after another."""
    widths: dict[str, dict[int, tuple[int, ...]]] = {}
    for key, array in arrays.items():
        match = PACKED.fullmatch(key)
        if match and match["start"].endswith("weight_ih"):
            module = match["start"].removesuffix("weight_ih")
            widths.setdefault(module, {})[int(match["number"])] = array.shape
    if not widths:
        return arrays
    named = Folded()
    named.assumed = arrays.assumed
    both = {}
    for module, shapes in widths.items():
        both[module], doubt = _both_directions(module, shapes, arrays)
        named.assumed += doubt
    for key, array in arrays.items():
        match = PACKED.fullmatch(key)
        module = match["start"].rpartition(".")[0] + "." if match and "." in key else ""
        if match is None or module not in both:
            named[key] = array
            continue
        number = int(match["number"])
        layer, back = divmod(number, 2) if both[module] else (number, 0)
        named[f"{match['start']}_l{layer}{'_reverse' if back else ''}"] = array
    return named


def _both_directions(
    module: str, shapes: Mapping[int, tuple[int, ...]], arrays: Arrays
) -> tuple[bool, tuple[str, ...]]:
    """Tell whether every second of the packed layers reads backwards."""
    hidden = arrays.get(f"{module}weight_hh_p0")
    units = hidden.shape[-1] if hidden is not None and hidden.shape else 0
    widths = [shapes[number][-1] for number in sorted(shapes) if shapes[number]]
    stacked = all(width == units for width in widths[1:])
    paired = len(widths) % 2 == 0 and len(widths) > 1 and widths[0] == widths[1]
    paired = paired and all(width == 2 * units for width in widths[2:])
    if not (stacked and paired):
        return paired, ()
    # two layers of as many features as units, or one of two directions: what follows tells
    taken = {array.shape[1] for key, array in arrays.items() if _follows(key, array)}
    both = 2 * units in taken and units not in taken
    what = "two directions and not two layers" if both else "two layers and not two directions"
    return both, (f"{module.rstrip('.')} has {what}, which its own shapes do not tell",)


def _follows(key: str, array: LazyArray) -> bool:
    return len(array.shape) == 2 and not is_recurrent(key)
