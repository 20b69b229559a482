"""Results as tables for the terminal, readable without colour and at any width."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.tables.plain import Row
from rnnlens.views.tables.stated import with_origin
from rnnlens.views.tables.summary import (
    explanation_summary,
    far_off_text,
    lag_labels,
    lag_table,
    lags_summary,
    target_and_unit,
    time_text,
)
from rnnlens.views.words.forecast import matters_sentence
from rnnlens.views.words.language import listed, many, marked, phrase, say
from rnnlens.views.words.origin import attribute_text
from rnnlens.views.words.units import in_brackets, with_unit

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Group
    from rich.table import Table

__all__ = ["aligned", "explanation_view", "lags_view", "trace_view"]

#: Features that a row of an explanation names, those that count most at its lag.
NAMED = 3


@with_origin
def lags_view(lags: xr.Dataset) -> Group:
    """Show the share of each lag with its interval."""
    from rich.bar import Bar
    from rich.console import Group

    summary, rows = lags_summary(lags), lag_table(lags)
    unit = in_brackets(summary.get("unit"))
    table = _table(say("lag"), say("share"), say("low"), say("high"), say("mean{unit}", unit=unit))
    table.add_column("", ratio=1, min_width=8)
    largest = float(rows["share"].to_numpy().max()) or 1.0
    means = aligned(rows["mean_contribution"].to_numpy())
    for row, mean in zip(rows.to_dict("records"), means, strict=True):
        shares = [_percent(row[name]) for name in ("share", "share_low", "share_high")]
        table.add_row(row["label"], *shares, mean, Bar(largest, 0, row["share"]))
    heading = say(
        "Share of each lag in what moves {target}{unit}", target=summary["target"], unit=unit
    )
    return Group(heading, table, *_sentences(summary), *_marks(lags))


def _marks(dataset: xr.Dataset) -> list[str]:
    """Say what the mark of inexact numbers means, where there is one."""
    text = far_off_text(dataset)
    return [say("{said}.", said=text)] if text else []


def _sentences(summary: Row) -> list[str]:
    """Say how the shares were made."""
    values = {
        "method": summary.get("method", say("contributions")),
        "count": int(summary["samples"]),
        "baseline": summary["baseline"],
        "level": f"{100 * float(summary.get('confidence') or 0.95):.0f}",
        "block": summary.get("block_length"),
    }
    made = (
        say(
            "By {method} over {count:,} windows, against the baseline {baseline}; low and high "
            "bound the {level} % interval (blocks of {block}).",
            **values,
        )
        if summary.get("block_length")
        else say(
            "By {method} over {count:,} windows, against the baseline {baseline}; low and high "
            "bound the {level} % interval.",
            **values,
        )
    )
    residual = _residual(summary.get("max_residual"), summary.get("unit"))
    return [made, say("Largest residual: {residual}.", residual=residual)]


#: Groups that have a row of their own.
GROUPS = 20
#: What a heading calls the numbers of each kind.
PLURALS = {
    "contribution": marked("Contributions to {target}{unit}, by {method}, {which}"),
    "sensitivity": marked("Sensitivities of {target}{unit}, by {method}, {which}"),
    "relevance": marked("Relevance for {target}{unit}, by {method}, {which}"),
    "write time": marked("Written into the memory for {target}{unit}, by {method}, {which}"),
}
#: What a column calls them.
KINDS = {
    "contribution": marked("contribution"),
    "sensitivity": marked("sensitivity"),
    "relevance": marked("relevance"),
    "write time": marked("write time"),
}
#: What is said of numbers that do not sum to the change of the forecast.
UNSUMMED = {
    "sensitivity": marked("Sensitivities are slopes, not shares: they sum to no forecast."),
    "relevance": marked("Relevance is a score of its method: it need not sum to the forecast."),
    "write time": marked(
        "This is when the memory was written, not which input it was written for."
    ),
}


@with_origin
def explanation_view(explanation: xr.Dataset | xr.DataTree) -> Group:
    """Show what each lag gave, with the features that gave most; of several inputs, each apart."""
    from rich.console import Group

    if "lag" not in explanation.dims:
        return _inputs_view(explanation)
    whole = _whole(explanation)
    usual = "sensitivity" if "sensitivity" in whole else "contribution"
    kind = whole.attrs.get("kind", usual)
    values = whole[whole.attrs.get("shows", usual)]
    if "layer" in values.dims:
        values = values.sum("layer")
    table, decimals = _lag_rows(whole, values, kind)
    tables = [table, *_by_group(whole, values, decimals)]
    said = [*_sum(whole, kind), *_marks(whole), matters_sentence(whole.attrs)]
    return Group(_explanation_heading(whole, kind), *tables, *filter(None, said))


def _whole(result: xr.Dataset | xr.DataTree) -> xr.Dataset:
    """Give what a result says of all inputs, which stands at the root of a tree."""
    import xarray as xr

    return result.to_dataset() if isinstance(result, xr.DataTree) else result


def _parts(result: xr.Dataset | xr.DataTree) -> list[xr.Dataset]:
    """Give what a result says of each input by itself."""
    import xarray as xr

    if isinstance(result, xr.Dataset):
        return [result]
    nodes = list(result.children.values()) or [result]
    return [node.to_dataset(inherit=False) for node in nodes]


def _lag_rows(explanation: xr.Dataset, values: xr.DataArray, kind: str) -> tuple[Table, int]:
    """Give a row for each lag, and the decimals of its numbers."""
    along = "ahead" if "ahead" in values.dims else "lag"
    unit = in_brackets(explanation.attrs.get("unit"))
    columns = [say("ahead") if along == "ahead" else say("lag"), f"{phrase(KINDS[kind])}{unit}"]
    several = values.sizes["sample"] > 1
    table = _table(*columns, *([say("mean size")] if several else []))
    by_feature = "feature" in values.dims
    if by_feature:
        table.add_column(say("largest features"), ratio=1, overflow="fold")
    per_lag = values.sum("feature") if by_feature else values
    means, sizes = per_lag.mean("sample").values, abs(per_lag).mean("sample").values
    decimals = _decimals(sizes)
    labels = lag_labels(explanation) if along == "lag" else _ahead_labels(explanation)
    for place, label in enumerate(labels):
        row = [label, f"{means[place]:+.{decimals}f}"]
        if several:
            row.append(f"{sizes[place]:.{decimals}f}")
        if by_feature:
            row.append(_largest(values.isel({along: place}).mean("sample"), decimals))
        table.add_row(*row)
    return table, decimals


def _ahead_labels(explanation: xr.Dataset) -> list[str]:
    """Name the steps of a known future."""
    first, last = explanation["ahead"].values, explanation["ahead_to"].values
    return [
        f"t{a:+d}" if a == b else f"t{a:+d} .. t{b:+d}" for a, b in zip(first, last, strict=True)
    ]


def _inputs_view(explanation: xr.Dataset | xr.DataTree) -> Group:
    """Show what each input gave, by lag, by step ahead, or by feature alone."""
    from rich.console import Group

    root, attrs = _whole(explanation), explanation.attrs
    kind = str(attrs.get("kind", "contribution"))
    shows = str(attrs.get("shows", "contribution"))
    tables: list[str | Table] = []
    for dataset in _parts(explanation):
        values = dataset[shows]
        by = say("by feature")
        if "lag" in values.dims:
            table, by = _lag_rows(dataset, values, kind)[0], say("by lag")
        elif "ahead" in values.dims:
            table = _lag_rows(dataset, values, kind)[0]
            by = say("by step after the newest known")
        elif "feature" in values.dims:
            table = _feature_rows(dataset, values, kind)
        else:
            spread = values.expand_dims(feature=[say("all")])
            table, by = _feature_rows(dataset, spread, kind), say("whole")
        total = values.sum([name for name in values.dims if name != "sample"])
        mean = with_unit(f"{float(total.mean()):+.4g}", str(attrs.get("unit") or ""))
        about = {"input": dataset.attrs.get("input", attrs.get("inputs", "")), "by": by}
        heading = (
            say("{input}, {by}", **about)
            if kind in UNSUMMED
            else say("{input}, {by}: {mean} in all", mean=mean, **about)
        )
        tables += ["", heading, table]
    said = [*_sum(root, kind), matters_sentence(attrs)]
    return Group(_explanation_heading(root, kind), *tables, "", *filter(None, said))


def _feature_rows(dataset: xr.Dataset, values: xr.DataArray, kind: str) -> Table:
    """Give a row for each feature of an input that has no steps."""
    several = values.sizes["sample"] > 1
    table = _table(
        say("feature"),
        f"{phrase(KINDS[kind])}{in_brackets(dataset.attrs.get('unit'))}",
        *([say("mean size")] if several else []),
        names=1,
    )
    means, sizes = values.mean("sample").values, abs(values).mean("sample").values
    decimals = _decimals(sizes)
    for place, name in enumerate(values["feature"].values):
        row = [str(name), f"{means[place]:+.{decimals}f}"]
        table.add_row(*row, *([f"{sizes[place]:.{decimals}f}"] if several else []))
    return table


def _held(summary: Row) -> str:
    """Say which features and which inputs kept their values."""
    inputs = str(summary.get("held_inputs") or "")
    said = [str(summary["held"])] if summary.get("held") else []
    if inputs:
        said.append(
            say("inputs {names}", names=inputs)
            if ", " in inputs
            else say("input {names}", names=inputs)
        )
    return listed(said)


def _by_group(explanation: xr.Dataset, values: xr.DataArray, decimals: int) -> list[Table]:
    """Give a row for each station, basin or engine: its windows, its error, its features."""
    if "group" not in explanation.coords:
        return []
    names = explanation["group"].values
    groups = list(dict.fromkeys(names.tolist()))
    if len(groups) < 2:
        return []
    scored = "actual" in explanation
    columns = [say("group"), say("windows"), *([say("mean absolute error")] if scored else [])]
    table = _table(*columns)
    by_feature = "feature" in values.dims
    if by_feature:
        table.add_column(say("largest features, mean size"), ratio=1, overflow="fold")
    for group in groups[:GROUPS]:
        own = np.flatnonzero(names == group)
        row = [str(group), f"{len(own):,}"]
        if scored:
            part = explanation.isel(sample=own)
            row.append(f"{float(abs(part['forecast'] - part['actual']).mean()):.4g}")
        if by_feature:
            sizes = abs(values.isel(sample=own).sum("lag")).mean("sample")
            row.append(_largest(sizes, decimals))
        table.add_row(*row)
    if len(groups) > GROUPS:
        table.add_row(
            say("and {count:,} more", count=len(groups) - GROUPS), *[""] * (len(columns) - 1)
        )
    return [table]


def _explanation_heading(explanation: xr.Dataset, kind: str) -> str:
    samples = explanation.sizes["sample"]
    which = (
        say("means over {count:,} windows", count=samples)
        if samples > 1
        else time_text(explanation, 0)
    )
    target, unit = target_and_unit(explanation)
    method = explanation.attrs.get("method", "")
    return phrase(PLURALS[kind]).format(target=target, unit=unit, method=method, which=which)


def _sum(explanation: xr.Dataset, kind: str) -> list[str]:
    if kind in UNSUMMED:
        return [phrase(UNSUMMED[kind])]
    summary = explanation_summary(explanation)
    unit = summary.get("unit")
    several = summary["samples"] > 1
    forecast, reference = summary["mean_forecast"], summary["mean_baseline_forecast"]
    values = {
        "forecast": forecast,
        "reference": reference,
        "baseline": attribute_text(explanation.attrs, "baseline"),
        "held": _held(summary),
        "moved": with_unit(f"{forecast - reference:+.4g}", unit),
    }
    residual = _residual(summary["max_residual"], unit)
    lines = [
        _change(values, several=several),
        say("The contributions sum to it; largest residual: {residual}.", residual=residual),
    ]
    lines += [say("{said}.", said=f"{text[0].upper()}{text[1:]}") for text in _origin(explanation)]
    if summary.get("rmse") is not None:
        missed = with_unit(f"{summary['rmse']:.4g}", unit)
        lines.append(
            say("Root mean square error: {error}.", error=missed)
            if several
            else say("The forecast's error: {error}.", error=missed)
        )
    return lines


def _change(values: Row, *, several: bool) -> str:
    """Say how far forecasts lie from their baseline, and what was held."""
    if several and values["held"]:
        return say(
            "Mean forecast {forecast:.5g} against {reference:.5g} for the baseline {baseline}, "
            "{held} held: {moved}.",
            **values,
        )
    if several:
        return say(
            "Mean forecast {forecast:.5g} against {reference:.5g} for the baseline {baseline}: "
            "{moved}.",
            **values,
        )
    if values["held"]:
        return say(
            "Forecast {forecast:.5g} against {reference:.5g} for the baseline {baseline}, {held} "
            "held: {moved}.",
            **values,
        )
    return say(
        "Forecast {forecast:.5g} against {reference:.5g} for the baseline {baseline}: {moved}.",
        **values,
    )


def _origin(explanation: xr.Dataset) -> list[str]:
    """Say why this method was taken, and how far it is from exact values."""
    attrs = explanation.attrs
    return [attribute_text(attrs, name) for name in ("why", "audit") if name in attrs]


def _largest(values: xr.DataArray, decimals: int) -> str:
    order = np.argsort(-np.abs(values.values), kind="stable")[:NAMED]
    named = [(str(values["feature"].values[place]), values.values[place]) for place in order]
    return say(", ").join(f"{name} {value:+.{decimals}f}" for name, value in named if value)


@with_origin
def trace_view(trace: xr.DataTree) -> Group:
    """Show every gate and state of every layer: its mean and its range over the steps."""
    from rich.console import Group

    parts: list[str | Table] = []
    for node in trace.subtree:
        if "weight" in node.data_vars:
            parts += _attention(node.to_dataset())
        if "hidden" not in node.data_vars:
            continue
        dataset = node.to_dataset()
        sizes = dataset.sizes
        name = dataset.attrs.get("layer", node.path.strip("/"))
        about = many(
            sizes["sample"],
            "{name}: {units} units over {steps} steps, {count:,} window",
            "{name}: {units} units over {steps} steps, {count:,} windows",
            name=name,
            units=sizes["unit"],
            steps=sizes["step"],
        )
        parts += [about]
        parts += [_layer_table(dataset)]
    return Group(*parts)


def _attention(dataset: xr.Dataset) -> list[str | Table]:
    """Show what is attended to: the largest mean weights over windows, heads and queries."""
    weights = dataset["weight"].mean(("sample", "head", "query"))
    sizes, name = dataset.sizes, dataset.attrs.get("layer", "attention")
    table = _table(say("attended"), say("mean weight"), names=1)
    for place in np.argsort(-weights.values, kind="stable")[:NAMED]:
        table.add_row(str(weights["attended"].values[place]), f"{weights.values[place]:.3f}")
    return [
        say(
            "{name}: attention over {places} places (0 = oldest), heads: {heads}, queries: "
            "{queries}",
            name=name,
            places=sizes["attended"],
            heads=sizes["head"],
            queries=sizes["query"],
        ),
        table,
    ]


def _layer_table(dataset: xr.Dataset) -> Table:
    table = _table(
        "",
        say("oldest step"),
        say("newest step"),
        say("mean"),
        say("min"),
        say("max"),
        names=1,
    )
    gates = [str(gate) for gate in dataset["gate"].values]
    arrays = {
        gate_name(gate): dataset["gate_value"].sel(gate=gate) for gate in gates if gate != "hidden"
    }
    states = {"cell": say("cell state"), "hidden": say("hidden state")}
    arrays |= {text: dataset[name] for name, text in states.items() if name in dataset}
    for name, array in arrays.items():
        numbers = [
            array.isel(step=0).mean(),
            array.isel(step=-1).mean(),
            array.mean(),
            array.min(),
            array.max(),
        ]
        table.add_row(name, *(f"{float(number):.3f}" for number in numbers))
    return table


def gate_name(gate: str) -> str:
    """Say what a gate is called in a trace; one that is not known by its own name."""
    names = {
        "input": say("input gate"),
        "forget": say("forget gate"),
        "output": say("output gate"),
        "cell": say("cell gate"),
        "update": say("update gate"),
        "reset": say("reset gate"),
        "candidate": say("candidate"),
    }
    return names.get(gate) or say("{name} gate", name=gate)


def _table(*headings: str, names: int = 0) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place < names else "right", no_wrap=True)
    return table


def _percent(value: float) -> str:
    return "" if np.isnan(value) else f"{100 * value:.1f} %"


def aligned(values: np.ndarray) -> list[str]:
    """Give numbers with as many decimals as show three digits of the largest: values (row,)."""
    decimals = _decimals(values)
    return ["" if np.isnan(value) else f"{value:+.{decimals}f}" for value in values]


def _decimals(values: np.ndarray) -> int:
    """Give the decimals with which the largest number shows three digits."""
    largest = float(np.nanmax(np.abs(values), initial=0.0))
    return 2 if largest == 0 else int(np.clip(2 - np.floor(np.log10(largest)), 0, 9))


def _residual(value: float | str | None, unit: str | None) -> str:
    if value is None or value == "":
        return say("not known")
    return with_unit(f"{float(value):.2g}", unit)
