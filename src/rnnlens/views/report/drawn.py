"""The figures of a report, by its section: what each shows, and for those who do not see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from rnnlens.views import charts
from rnnlens.views.charts.cells import weight_panels
from rnnlens.views.tables import summary
from rnnlens.views.words.language import paragraph, say
from rnnlens.views.words.origin import attribute_text
from rnnlens.views.words.verdicts import free_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import xarray as xr

    from rnnlens.views.report.figures import Begun, Figure, Figures
    from rnnlens.views.report.parts import ReportParts

__all__ = ["FiguresBegun", "begin_figures", "count_of", "figures_of"]

#: Figures that are being drawn, by the section that they are in.
FiguresBegun: TypeAlias = "Mapping[str, Sequence[Begun]]"
#: In the order in which they come.
SECTIONS = ("forecast", "uses", "lags", "evidence", "memory", "window", "gates", "weights")

#: Inputs that a heat map has room for.
INPUTS = 30


def begin_figures(parts: ReportParts, figures: Figures) -> FiguresBegun:
    """Begin to draw every figure of a report that no evidence is in, by its section."""
    figures.whole = count_of(parts)
    return {
        "forecast": [_forecast(figures, parts)],
        "uses": list(_uses(figures, parts)),
        "lags": [_lag_shares(figures, parts)],
        "memory": list(_memory(figures, parts)),
        "window": [_window(figures, parts)],
        "gates": list(_gates(figures, parts)),
        "weights": list(_weights(figures, parts)),
    }


def figures_of(
    parts: ReportParts, figures: Figures, begun: FiguresBegun | None = None
) -> dict[str, list[Figure]]:
    """Draw every figure of a report, by its section; of some, drawing may have begun before."""
    known = begin_figures(parts, figures) if begun is None else begun
    known = {**known, "evidence": list(_evidence(figures, parts))}
    # The figures that answer the user's question come first, so that a budget spent on the
    # weights of a large network never costs them.
    return {section: [figure() for figure in known[section]] for section in SECTIONS}


def count_of(parts: ReportParts) -> int:
    """Say how many figures a report will have, at the most."""
    of_layers = sum(1 for _ in _layers(parts.trace)) + 3 * sum(1 for _ in _layers(parts.weights))
    return 7 + of_layers


def _forecast(figures: Figures, parts: ReportParts) -> Begun:
    what = summary.quantity(parts.explanation, "")
    known = "actual" in parts.explanation
    return figures.begin(
        "forecast",
        charts.forecast(parts.explanation),
        alt_text=say("Lines over time: the forecast of {what} beside what happened.", what=what)
        if known
        else say("Lines over time: the forecast of {what} beside the baseline's.", what=what),
        caption=say(
            "The nearer the line of the forecast lies to that of what happened, the better; from "
            "the baseline the network would forecast the dashed line. A line stops where windows "
            "are missing."
        )
        if known
        else say(
            "The forecast, and the one that the network makes from the baseline. A line stops "
            "where windows are missing."
        ),
    )


def _uses(figures: Figures, parts: ReportParts) -> Iterator[Begun]:
    drawn, target = parts.drawn, _target(parts)
    named = summary.named_features(parts.explanation)
    if named:
        yield figures.begin(
            "lag-feature",
            charts.lag_feature(_most_important(parts)),
            alt_text=say(
                "Heat map of the mean size of the contribution to {target} by input and lag.",
                target=target,
            ),
            caption=_with_groups(
                parts,
                _few_inputs(
                    parts,
                    say(
                        "The darker a cell, the more that input at that lag moved the forecasts, "
                        "up or down."
                    ),
                ),
            ),
        )
    yield figures.begin(
        "contributions",
        charts.lag_contributions(drawn, named=named),
        alt_text=say(
            "Bars by lag of the mean signed contribution to {target}.", target=target
        ),
        caption=say(
            "On average, what stands above zero raised the forecast and what stands below lowered "
            "it; contributions of both signs cancel here, and not above."
        ),
    )  # fmt: skip


def _most_important(parts: ReportParts) -> xr.Dataset:
    """Take the inputs that a heat map has room for, in the order that they have."""
    count = parts.drawn.sizes["feature"]
    if count <= INPUTS:
        return parts.drawn
    kept = set(summary.named_features(parts.drawn, largest=INPUTS)[:INPUTS])
    flags = [str(name) in kept for name in parts.drawn["feature"].values]
    return parts.drawn.isel(feature=np.flatnonzero(flags))


def _few_inputs(parts: ReportParts, caption: str) -> str:
    """Add that some inputs are not drawn, where that is so."""
    count = parts.drawn.sizes["feature"]
    if count <= INPUTS:
        return caption
    said = say("Drawn are the {shown} of {count:,} inputs that moved it most.", shown=INPUTS,
               count=count)  # fmt: skip
    return paragraph([caption, said])


def _lag_shares(figures: Figures, parts: ReportParts) -> Begun:
    target = _target(parts)
    lags = parts.lags if parts.grouped_lags is None else parts.grouped_lags
    return figures.begin(
        "lag-shares",
        charts.lag_shares(lags),
        alt_text=say(
            "Bars of the share of each lag in the forecast of {target}; the numbers are in the "
            "table.",
            target=target,
        ),
        caption=_with_groups(
            parts,
            say(
                "A lag's share is the mean size of its contribution, its inputs summed, divided by "
                "the sum of the mean sizes of all lags. A small share is no proof that a lag "
                "does not matter."
            ),
        ),
        title=say("How much of what moved the forecasts came from which lag"),
    )


def _with_groups(parts: ReportParts, caption: str) -> str:
    """Add that older lags are drawn together, where they are."""
    together = int(parts.drawn.attrs.get("lags_together", 0))
    if not together:
        return caption
    said = say(
        "The {count:,} oldest lags are drawn in groups, each twice as long as the one before.",
        count=together,
    )
    return paragraph([caption, said])


def _evidence(figures: Figures, parts: ReportParts) -> Iterator[Begun]:
    evidence = parts.evidence
    if evidence is None or "largest_bound" not in evidence:
        return
    if "lag" not in evidence["largest_bound"].dims:
        return
    free, where = free_text(evidence.attrs["free"]), attribute_text(evidence.attrs, "range")
    ranges = say("{name}: {fact}", name=free, fact=where)
    bounds = evidence["largest_bound"].values
    if np.isfinite(bounds).any():
        alt_text = say(
            "Bars by lag of how far the forecast of {target} was moved, with a mark at the bound "
            "that is proven not to be exceeded; the numbers are in the table.",
            target=_target(parts),
        )
        caption = say(
            "How far the inputs of a lag moved the forecast, and what they are proven not to "
            "exceed: {free}, {range}, the largest of the windows certified. Equal steps up the "
            "axis are nearly equal factors.",
            free=free,
            range=where,
        )
    else:
        alt_text = say(
            "Bars by lag of how far the forecast of {target} was moved; the numbers are in the "
            "table.",
            target=_target(parts),
        )
        caption = say(
            "How far the inputs of a lag moved the forecast: {free}, {range}, the largest of the "
            "windows certified. Equal steps up the axis are nearly equal factors.",
            free=free,
            range=where,
        )
    if (np.isinf(bounds) & (evidence["refuted"].values > 0)).any():
        unsought = say("Of a lag that a counter-example refutes no bound is sought.")
        caption = paragraph([caption, unsought])
    yield figures.begin(
        "certificates",
        charts.certificates(evidence.assign_attrs(range=ranges)),
        alt_text=alt_text,
        caption=caption,
    )


def _memory(figures: Figures, parts: ReportParts) -> Iterator[Begun]:
    if isinstance(parts.memory, str):
        return
    yield figures.begin(
        "memory",
        charts.memory(parts.memory),
        alt_text=say("Measures of memory on one axis of lags, and how each fades with the lag."),
        caption=say(
            "Above, the lags within which each measure holds half and nearly all; below, how much "
            "of each is left beyond a lag. The measures answer different questions, so they need "
            "not agree."
        ),
        title=say("The measures of memory on one axis of lags"),
    )


def _window(figures: Figures, parts: ReportParts) -> Begun:
    when = summary.time_text(parts.explanation, parts.window)
    named = summary.named_features(parts.explanation)
    return figures.begin(
        "contributions-window",
        charts.lag_contributions(parts.drawn, sample=parts.window, named=named),
        alt_text=say(
            "Bars by lag of the signed contributions to {target}, for the window of {when}.",
            target=_target(parts),
            when=when,
        ),
        caption=_with_groups(
            parts,
            say("From the baseline's forecast to this one: all bars together are the difference. "
                "Inputs have the colours that they have above."),
        ),
    )  # fmt: skip


def _gates(figures: Figures, parts: ReportParts) -> Iterator[Begun]:
    when = summary.time_text(parts.explanation, parts.window)
    for number, (name, node) in enumerate(_layers(parts.trace)):
        if "gate_value" in node:
            yield figures.begin(
                f"gates-{number}",
                charts.gates(node, title=say("Layer {name}, window of {when}", name=name,
                                             when=when)),
                alt_text=say(
                    "Heat maps of the gates and states of layer {name} by unit and step, for the "
                    "window of {when}.",
                    name=name,
                    when=when,
                ),
                caption=say(
                    "A column is a step, the newest at the right; a row is a unit. Dark gates are "
                    "open."
                ),
            )  # fmt: skip


def _weights(figures: Figures, parts: ReportParts) -> Iterator[Begun]:
    # The recurrent kernels are the largest, so they are the first to be left out.
    for kind in ("W", "b", "U"):
        for number, (name, node) in enumerate(_layers(parts.weights)):
            gated = any(array.attrs.get("gate") for array in node.data_vars.values())
            if gated and weight_panels(node, kind=kind)[0]:
                yield figures.begin(
                    f"weights-{number}-{kind}",
                    charts.weights(node, kind=kind),
                    alt_text=say(
                        "Heat maps of the weights {kind} of layer {name} by gate.",
                        kind=kind,
                        name=name,
                    ),
                    caption=_weights_caption(kind, name),
                )


def _weights_caption(kind: str, name: str) -> str:
    return {
        "W": say("Layer {name}: how each input enters each unit, gate by gate.", name=name),
        "b": say("Layer {name}: where each unit's gates stand when nothing comes in.", name=name),
        "U": say(
            "Layer {name}: how each unit's last output enters each unit, gate by gate.", name=name
        ),
    }[kind]


def _target(parts: ReportParts) -> str:
    return str(parts.explanation.attrs.get("target") or say("the output"))


def _layers(tree: xr.DataTree) -> Iterator[tuple[str, xr.Dataset]]:
    for node in tree.subtree:
        if node.data_vars:
            dataset = node.to_dataset()
            yield str(dataset.attrs.get("layer", node.path.strip("/"))), dataset
