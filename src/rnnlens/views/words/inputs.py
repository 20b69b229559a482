"""What several inputs gave together, in rows and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rnnlens.views.words.language import say
from rnnlens.views.words.units import with_unit

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["InputRow", "input_rows", "inputs_sentences"]


class InputRow(NamedTuple):
    """One input, one of its lags, one of its steps ahead, or one of its features."""

    input: str
    part: str
    mean: str
    size: str


def inputs_sentences(tree: xr.DataTree) -> tuple[str, ...]:
    """Say how much of what moved the forecasts each input gave, and what sums to what."""
    sizes = {}
    for node in tree.children.values():
        values = node.to_dataset()["contribution"]
        whole = values.sum([name for name in values.dims if name != "sample"])
        sizes[str(node.attrs["input"])] = float(abs(whole).mean())
    total = sum(sizes.values())
    if not total > 0:
        return ()
    order = sorted(sizes, key=lambda name: -sizes[name])
    said = say(", ").join(f"{name} {sizes[name] / total:.0%}" for name in order)
    return (
        say(
            "Of what the inputs moved the forecast of {target} by, all asked about at once: "
            "{said}.",
            target=tree.attrs["target"],
            said=said,
        ),
    )


def input_rows(tree: xr.DataTree) -> list[InputRow]:
    """Give a row for each input and each of its parts: means over the windows."""
    unit = str(tree.attrs.get("unit") or "")
    rows: list[InputRow] = []
    for node in tree.children.values():
        values, name = node.to_dataset()["contribution"], str(node.attrs["input"])
        along = next((a for a in ("lag", "ahead", "feature") if a in values.dims), None)
        others = [a for a in values.dims if a not in {"sample", along}]
        by_part = values.sum(others)
        whole = by_part if along is None else by_part.sum(along)
        rows.append(_row(name, say("in all"), whole, unit))
        if along is not None:
            for place, label in enumerate(values[along].values):
                part = {"lag": say("lag {label}", label=label), "ahead": f"t+{label}"}.get(
                    along, str(label)
                )
                rows.append(_row(name, part, by_part.isel({along: place}), unit))
    return rows


def _row(name: str, part: str, values: xr.DataArray, unit: str) -> InputRow:
    mean, size = float(values.mean()), float(abs(values).mean())
    return InputRow(name, part, with_unit(f"{mean:+.3g}", unit), with_unit(f"{size:.3g}", unit))
