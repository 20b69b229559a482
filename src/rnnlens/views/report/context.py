"""The plain values that the report's template shows."""

from __future__ import annotations

import math
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.views.tables import summary
from rnnlens.views.tables.lags import evidence_cells, made_how
from rnnlens.views.tables.plain import Row
from rnnlens.views.words.explanation import figure, lag_sentences, percent
from rnnlens.views.words.inputs import input_rows
from rnnlens.views.words.origin import origin_sentences
from rnnlens.views.words.units import with_unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rnnlens.views.report.parts import ReportParts

__all__ = ["context"]


def context(parts: ReportParts) -> Row:
    """Collect the plain values of a report, without its figures."""
    explained = summary.explanation_summary(parts.explanation)
    return {
        "title": parts.title,
        "sentences": (
            *origin_sentences(parts.explanation.attrs),
            *(parts.sentences or lag_sentences(parts.lags)),
        ),
        "notes": list(parts.notes),
        "network": _network(parts.description),
        "target": explained.get("target") or "the output",
        "by_feature": "feature" in parts.explanation["contribution"].dims,
        "forecast": _forecast(explained),
        "lag_rows": _lag_rows(parts),
        "evidence": _evidence(parts),
        "input_rows": [] if parts.together is None else input_rows(parts.together),
        "window": {
            "when": summary.time_text(parts.explanation, parts.window),
            "issued": summary.time_text(parts.explanation, parts.window, of="issued"),
            "reason": parts.window_reason,
            **_window_figures(parts),
        },
        "trust": _trust(parts, explained),
        "not_checked": _not_checked(parts),
        "provenance": _provenance(parts),
    }


def _network(description: Mapping[str, Any]) -> Row:
    layers = []
    for layer in description.get("layers", ()):
        options = layer.get("options") or {}
        if isinstance(options, dict):
            options = ", ".join(f"{key} = {value}" for key, value in options.items())
        sizes = layer.get("output_shape") or ()
        shape = " × ".join("any" if size is None else str(size) for size in sizes)
        layers.append({**layer, "options": options, "output_shape": shape})
    return {
        "format": " ".join(
            str(description[key]) for key in ("format", "version") if description.get(key)
        ),
        "file": PurePath(str(description.get("path") or "")).name,
        "sha256": description.get("sha256") or "",
        "parameters": description.get("parameters"),
        "time_steps": description.get("time_steps") or "",
        "notes": list(description.get("notes") or ()),
        "layers": layers,
        "arrays": [array for layer in layers for array in layer.get("arrays", ())],
    }


def _forecast(explained: Row) -> Row:
    unit = str(explained.get("unit") or "")
    return {
        "samples": explained["samples"],
        "mean": figure(explained["mean_forecast"], unit),
        "mean_baseline": figure(explained["mean_baseline_forecast"], unit),
        "rmse": figure(explained["rmse"], unit) if "rmse" in explained else "",
    }


def _lag_rows(parts: ReportParts) -> list[dict[str, str]]:
    unit = str(parts.lags.attrs.get("unit") or "")
    table = summary.lag_table(parts.lags)
    largest = float(np.nanmax(np.abs(table["mean_contribution"].to_numpy()), initial=0.0))
    # Three significant digits for the largest, as many decimals for all, so that columns align.
    decimals = max(0, 2 - math.floor(math.log10(largest))) if largest > 0 else 0
    rows = []
    for row in table.to_dict("records"):
        low, high = row["share_low"], row["share_high"]
        known = math.isfinite(low) and math.isfinite(high)
        mean = row["mean_contribution"]
        rows.append({
            "lag": row["label"],
            "share": _share(row["share"]),
            "interval": f"{_share(low)} to {_share(high)}" if known else "not computed",
            "mean": with_unit(f"{mean:+.{decimals}f}", unit) if math.isfinite(mean) else "missing",
        })
    return rows


def _evidence(parts: ReportParts) -> Row | None:
    if parts.evidence is None:
        return None
    headings, rows = evidence_cells(parts.evidence)
    return {
        "headings": [heading.replace("\n", " ") for heading in headings],
        "rows": rows,
        "how": made_how(parts.evidence),
    }


def _share(share: float) -> str:
    if not math.isfinite(share):
        return "missing"
    return percent(share) if 0 < share < 0.00005 else f"{100 * share:.2f} %"


def _window_figures(parts: ReportParts) -> dict[str, str]:
    unit = str(parts.explanation.attrs.get("unit") or "")
    chosen = parts.explanation.isel(sample=parts.window)
    figures = {
        name: figure(float(chosen[name]), unit) for name in ("forecast", "baseline_forecast")
    }
    figures["actual"] = figure(float(chosen["actual"]), unit) if "actual" in chosen else ""
    return figures


def _trust(parts: ReportParts, explained: Row) -> list[tuple[str, str]]:
    unit = str(explained.get("unit") or "")
    lags = parts.lags.attrs
    rows = [
        ("Fidelity", _fidelity(parts)),
        (
            "Residual",
            f"{figure(explained['max_residual'], unit)} at most: what the contributions of a "
            "window leave unexplained of its forecast minus its baseline forecast",
        ),
        ("Method", _with_settings(explained)),
        ("Baseline", _baseline(explained, unit)),
        ("Held features", str(explained.get("held") or "none")),
        *([("Held inputs", str(explained["held_inputs"]))] if explained.get("held_inputs") else []),
    ]
    if "confidence" in lags:
        block = f", blocks of {lags['block_length']} windows" if "block_length" in lags else ""
        rows.append((
            "Intervals",
            f"{100 * float(lags['confidence']):g} %, bootstrap over the windows{block}; method "
            f"{lags.get('method', 'not stated')}, {lags.get('samples', '?')} windows",
        ))
    if "max_residual" in lags:
        rows.append(("Residual of the shares", figure(float(lags["max_residual"]), unit)))
    return rows


def _baseline(explained: Row, unit: str) -> str:
    text = (
        f"{explained.get('baseline') or 'not stated'}; its forecast is "
        f"{figure(explained['mean_baseline_forecast'], unit)} (mean over the windows)"
    )
    if explained.get("unusual"):
        text += (
            "; it lies unusually far from the data, so the network may not have learned what it "
            "does there"
        )
    return text


def _fidelity(parts: ReportParts) -> str:
    if parts.fidelity is None:
        return "not checked: the network was not run against its source"
    attrs = parts.fidelity.attrs
    largest = attrs.get("largest", float(parts.fidelity["largest_difference"].max()))
    verdict = "agrees" if attrs.get("agrees") else "DOES NOT AGREE"
    coarse = f", as {attrs['rounds']}" if attrs.get("rounds") else ""
    return (
        f"{verdict}: the largest difference is {figure(largest)} (tolerance "
        f"{figure(attrs.get('tolerance'))}{coarse}) against "
        f"{attrs.get('against', 'the source model')}, over "
        f"{attrs.get('samples', 'an unstated number of')} windows"
    )


def _with_settings(explained: Row) -> str:
    method = str(explained.get("method") or "not stated")
    settings = str(explained.get("settings") or "")
    return f"{method}; settings {settings}" if settings not in {"", "{}"} else method


def _not_checked(parts: ReportParts) -> list[str]:
    sentences = []
    if parts.fidelity is None:
        sentences.append(
            "Whether this run equals the source model's; without that, nothing here shows that the "
            "file was read right."
        )
    if "actual" not in parts.explanation:
        sentences.append("How large the forecast's error is: what happened was not given.")
    sentences.append("Whether another method of attribution gives the same contributions.")
    if parts.evidence is None:
        sentences.append("Whether any lag is irrelevant: a small share is no test of that.")
    sentences += [
        "What causes what: contributions tell what this network computed, not how the world works.",
    ]
    return sentences


def _provenance(parts: ReportParts) -> list[tuple[str, str]]:
    names = {
        "network": "Network",
        "network_format": "Format",
        "sha256": "SHA-256 of the network's file",
        "rnnlens_version": "rnnlens",
        "numpy_version": "NumPy",
        "created": "Computed (UTC)",
    }
    attrs = {**parts.lags.attrs, **parts.explanation.attrs}
    return [(text, str(attrs[key])) for key, text in names.items() if attrs.get(key)]
