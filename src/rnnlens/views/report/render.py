"""Put the parts of a report together into one HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnlens.views import charts
from rnnlens.views.charts.cells import weight_panels
from rnnlens.views.report.context import context
from rnnlens.views.report.explorer import carried, data_text, module_text, policy
from rnnlens.views.report.figures import Figure, Figures
from rnnlens.views.tables import summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import xarray as xr

    from rnnlens.views.report.parts import ReportParts

__all__ = ["count_of", "figures_of", "render_report"]


def render_report(parts: ReportParts, progress: Callable[[int, int], None] | None = None) -> str:
    """Write the report as one HTML page.

    The page loads nothing: style, figures and numbers are inside it, so that it opens offline.
    """
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("rnnlens.views.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    runs = not isinstance(parts.explorer, str)
    style = environment.get_template("report.css").render()
    script = module_text() if runs else ""
    return environment.get_template("report.html.j2").render(
        **context(parts),
        figures=figures_of(parts, Figures(progress=progress)),
        style=Markup(style),
        script=Markup(script),
        data=Markup(data_text(parts) if runs else ""),
        why_not=parts.explorer if isinstance(parts.explorer, str) else "",
        carried=carried(parts.explorer),
        policy=policy(style, script),
    )


def figures_of(parts: ReportParts, figures: Figures) -> dict[str, list[Figure]]:
    """Draw every figure of a report, by its section."""
    figures.whole = count_of(parts)
    # The figures that answer the user's question come first, so that a budget spent on the
    # weights of a large network never costs them.
    return {
        "forecast": [_forecast(figures, parts)],
        "contributions": list(_contributions(figures, parts)),
        "evidence": list(_evidence(figures, parts)),
        "gates": list(_gates(figures, parts)),
        "weights": list(_weights(figures, parts)),
    }


def count_of(parts: ReportParts) -> int:
    """Say how many figures a report will have, at the most."""
    of_layers = sum(1 for _ in _layers(parts.trace)) + 3 * sum(1 for _ in _layers(parts.weights))
    return 6 + of_layers


def _forecast(figures: Figures, parts: ReportParts) -> Figure:
    beside = "what happened" if "actual" in parts.explanation else "the baseline's forecast"
    return figures.draw(
        "forecast",
        charts.forecast(parts.explanation),
        alt_text=f"Line chart of {summary.quantity(parts.explanation, 'the forecast of')} "
        f"over time beside {beside}.",
        caption="The forecast, what happened where it is known, and the forecast that the network "
        "makes from the baseline. A line stops where windows are missing.",
    )


def _contributions(figures: Figures, parts: ReportParts) -> Iterator[Figure]:
    explanation, target = parts.explanation, parts.lags.attrs.get("target") or "the output"
    yield figures.draw(
        "lag-shares",
        charts.lag_shares(parts.lags),
        alt_text=f"Bar chart of the share of each lag in the forecast of {target}; the numbers are "
        "in the table of lags.",
        caption="A lag's share is the mean size of its contribution, its features summed, divided "
        "by the sum of the mean sizes of all lags.",
    )
    if "feature" in explanation["contribution"].dims:
        yield figures.draw(
            "lag-feature",
            charts.lag_feature(explanation),
            alt_text=f"Heat map of the mean size of the contribution to {target} by feature and "
            "lag.",
            caption="The mean size of each contribution, whatever its sign.",
        )
    yield figures.draw(
        "contributions",
        charts.lag_contributions(explanation),
        alt_text=f"Bar chart of the mean signed contribution to {target} by lag.",
        caption="Mean signed contributions: above zero raised the forecast, below lowered it.",
    )
    yield figures.draw(
        "contributions-window",
        charts.lag_contributions(explanation, sample=parts.window),
        alt_text=f"Bar chart of the signed contributions to {target} by lag, for the window of "
        f"{summary.time_text(explanation, parts.window)}.",
        caption=f"The same for one window: {parts.window_reason}.",
    )


def _evidence(figures: Figures, parts: ReportParts) -> Iterator[Figure]:
    evidence = parts.evidence
    if evidence is None or "lag" not in evidence.get("largest_bound", evidence["share"]).dims:
        return
    if "largest_bound" in evidence:
        target, free = evidence.attrs.get("target") or "the output", evidence.attrs["free"]
        yield figures.draw(
            "certificates",
            charts.certificates(evidence.assign_attrs(range=f"{free}: {evidence.attrs['range']}")),
            alt_text=f"Bar chart by lag of how far the forecast of {target} was moved, with a mark "
            "at the bound that is proven not to be exceeded; the numbers are in the table.",
            caption=f"How far the inputs of a lag moved the forecast, and what they are proven not "
            f"to exceed: {free}, {evidence.attrs['range']}, the largest of the windows certified.",
        )


def _gates(figures: Figures, parts: ReportParts) -> Iterator[Figure]:
    when = summary.time_text(parts.explanation, parts.window)
    for number, (name, node) in enumerate(_layers(parts.trace)):
        if "gate_value" in node:
            yield figures.draw(
                f"gates-{number}",
                charts.gates(node, title=f"Layer {name}, window of {when}"),
                alt_text=f"Heat maps of the gates and states of layer {name} by unit and step, for "
                f"the window of {when}.",
                caption=f"Layer {name}: a column a step, the newest at the right; a row a unit.",
            )


def _weights(figures: Figures, parts: ReportParts) -> Iterator[Figure]:
    what = {"W": "input kernels", "b": "biases", "U": "recurrent kernels"}
    # The recurrent kernels are the largest, so they are the first to be left out.
    for kind, text in what.items():
        for number, (name, node) in enumerate(_layers(parts.weights)):
            gated = any(array.attrs.get("gate") for array in node.data_vars.values())
            if gated and weight_panels(node, kind=kind)[0]:
                yield figures.draw(
                    f"weights-{number}-{kind}",
                    charts.weights(node, kind=kind),
                    alt_text=f"Heat maps of the {text} of layer {name} by gate.",
                    caption=f"Layer {name}: {text}.",
                )


def _layers(tree: xr.DataTree) -> Iterator[tuple[str, xr.Dataset]]:
    for node in tree.subtree:
        if node.data_vars:
            dataset = node.to_dataset()
            yield str(dataset.attrs.get("layer", node.path.strip("/"))), dataset
