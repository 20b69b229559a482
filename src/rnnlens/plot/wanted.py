"""What each chart takes: whose result, with which numbers; anything else is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.arguments import did_you_mean, shown, whole
from rnnlens.errors import DataError, InputError

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Wanted", "check_sample", "layer_of", "verb_of"]

#: Verbs by what their results say of themselves, where that is not the verb's own name.
BY_KIND = {
    "evidence on lags": "lags",
    "share": "lags",
    "certificate": "certify",
    "interaction": "interactions",
    "forecast check": "check",
    "trust": "trust",
    "memory": "memory",
    "probe": "probe",
}
#: Verbs whose results hold the verb's name as their method.
BY_METHOD = (
    "bifurcations",
    "compare_weights",
    "fidelity",
    "fixed_points",
    "gate_contributions",
    "gate_effects",
    "intervene",
    "paths",
    "summarize_weights",
    "trace",
    "weights",
)
#: How each verb is called.
CALLS = {
    "bifurcations": "rnnlens.bifurcations(net, X, feature, values)",
    "certify": "rnnlens.certify(net, X, lag=[1, 2, 3])",
    "compare_baselines": "rnnlens.compare_baselines(net, X)",
    "compare_weights": "rnnlens.compare_weights(net, other)",
    "explain": "rnnlens.explain(net, X)",
    "fixed_points": "rnnlens.fixed_points(net, X)",
    "gate_contributions": "rnnlens.gate_contributions(net, X)",
    "interactions": "rnnlens.interactions(net, X)",
    "lags": "rnnlens.lags(net, X)",
    "memory": "rnnlens.memory(net, X)",
    "probe": "rnnlens.probe(net, X, concept)",
    "summarize_weights": "rnnlens.summarize_weights(net)",
    "trace": "rnnlens.trace(net, X)",
    "weights": "rnnlens.weights(net)",
}


@dataclass(frozen=True)
class Wanted:
    """What a chart takes.

    Parameters
    ----------
    chart : str
        The chart's name in `rnnlens.plot`, or with a dot before it what else takes a result.
    verb : str
        The verb whose result it draws.
    variables : mapping of str to tuple of tuple of str
        Variables that it draws, each with the dimensions that it may have.
    also : tuple of str
        Other verbs whose results hold the same.
    missing : tuple of str
        Variables in which NaN has a meaning, and is drawn as nothing.
    tree : bool
        Whether the verb gives a tree, whose root or nodes hold the variables.
    """

    chart: str
    verb: str
    variables: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    tree: bool = False

    @property
    def door(self) -> str:
        """What the user called."""
        return self.chart if self.chart.startswith(".") else f"rnnlens.plot.{self.chart}"

    def check(self, result: object) -> None:
        """Refuse what is no such result, an empty one, and one with NaN where numbers stand."""
        import xarray as xr

        asked = f"{self.door} takes a result of rnnlens.{self.verb}"
        if not isinstance(result, xr.DataTree if self.tree else xr.Dataset | xr.DataTree):
            raise InputError(f"{asked}, not {_said(result)}: call {CALLS[self.verb]}")
        came = verb_of(result)
        if came is not None and came not in {self.verb, *self.also}:
            raise InputError(f"{asked}, and this is one of rnnlens.{came}: call {CALLS[self.verb]}")
        if isinstance(result, xr.DataTree) and not self.tree:
            nodes = [name for name, node in result.children.items() if node.data_vars]
            raise InputError(
                f"{asked} about one input, and this is about {', '.join(nodes) or 'none'}: give "
                f"one of them, as in result[{(nodes or ['x'])[0]!r}].to_dataset()"
            )
        if isinstance(result, xr.Dataset):
            self._check_numbers(result, asked)

    def _check_numbers(self, result: xr.Dataset, asked: str) -> None:
        self._check_sums(result)
        for name, allowed in self.variables.items():
            if name not in result or tuple(map(str, result[name].dims)) not in allowed:
                forms = " or ".join(f"({', '.join(dims)})" for dims in allowed)
                raise InputError(
                    f"{asked}, which holds {name} {forms}, and this does not: call "
                    f"{CALLS[self.verb]}"
                )
            array = result[name]
            empty = [str(name) for name, size in array.sizes.items() if not size]
            if empty:
                raise DataError(
                    f"this result is empty, for it has nothing along {empty[0]!r}: call "
                    f"{CALLS[self.verb]} with one window or more"
                )
            if name not in self.missing and array.dtype.kind == "f":
                _check_finite(array, CALLS[self.verb])

    def _check_sums(self, result: xr.Dataset) -> None:
        shows = str(result.attrs.get("shows") or "contribution")
        if "contribution" in self.variables and shows != "contribution":
            raise InputError(
                f"{self.door} takes contributions, and the method "
                f"{result.attrs.get('method', '')!r} gives {shows}, which does not sum to the "
                "forecast: call rnnlens.explain(net, X, method='secant')"
            )


def verb_of(result: xr.Dataset | xr.DataTree) -> str | None:
    """Say which verb made a result, as far as it says so itself."""
    nodes = [result, *getattr(result, "children", {}).values()]
    for attrs in (node.attrs for node in nodes):
        if attrs.get("kind") in BY_KIND:
            return BY_KIND[attrs["kind"]]
        if attrs.get("method") in BY_METHOD:
            return str(attrs["method"])
        if "shows" in attrs:
            return "explain"
    if any("baseline" in node.dims and "contribution" in node for node in nodes):
        return "compare_baselines"
    return None


def check_sample(result: xr.Dataset, sample: object) -> int:
    """Give the place of a window in a result; the newest, where none is named."""
    count = result.sizes["sample"]
    return count - 1 if sample is None else _whole(sample, count - 1)


def _whole(sample: object, most: int) -> int:
    taken = whole(0, most).check("sample", sample)
    assert isinstance(taken, int)
    return taken


def layer_of(result: object, layer: str | None, holds: str) -> xr.Dataset:
    """Give the node of a layer of a tree, the only one where none is named."""
    import xarray as xr

    if isinstance(result, xr.Dataset):
        return result
    assert isinstance(result, xr.DataTree)
    nodes = {
        str(node.attrs.get("layer", node.path.strip("/"))): node.to_dataset()
        for node in result.subtree
        if any(str(name).startswith(holds) for name in node.data_vars)
    }
    if layer is None and nodes:
        if len(nodes) > 1:
            raise InputError(
                f"this result holds the layers {', '.join(nodes)}: name one, as in "
                f"layer={next(iter(nodes))!r}"
            )
        return next(iter(nodes.values()))
    if layer not in nodes:
        raise InputError(
            f"this result has no layer {layer!r} that is drawn here"
            f"{did_you_mean(layer, nodes)}; it has {', '.join(nodes) or 'none'}"
        )
    return nodes[layer]


def _check_finite(array: xr.DataArray, call: str) -> None:
    missing = int(np.isnan(array.values).sum())
    if missing and "sample" in array.dims:
        raise DataError(
            f"{array.name} is NaN in {missing:,} of {array.size:,} places, of which no chart can "
            f"be drawn that is true: leave those windows out with result.dropna('sample', "
            f"subset=[{array.name!r}]), or call {call} on windows without gaps"
        )
    if missing:
        raise DataError(
            f"{array.name} is NaN in {missing:,} of {array.size:,} places, of which no chart can "
            f"be drawn that is true: call {call} on windows without gaps"
        )


def _said(result: object) -> str:
    return shown(result)
