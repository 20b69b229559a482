"""The plain values that the report's template shows."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.views.report.judged import fidelity_text, not_checked, trust_rows, warnings
from rnnlens.views.report.made import citations, provenance_rows
from rnnlens.views.report.rows import error_table, evidence_table, feature_table, lag_table
from rnnlens.views.tables import summary
from rnnlens.views.tables.inside.gate_names import gate_name
from rnnlens.views.tables.lags import made_how
from rnnlens.views.words.arrays import array_text
from rnnlens.views.words.explanation import figure, lag_sentences
from rnnlens.views.words.forecast import verdict_sentence
from rnnlens.views.words.inputs import input_rows
from rnnlens.views.words.inside.memory import memory_sentences
from rnnlens.views.words.language import enumerated, many, paragraph, say, spoken
from rnnlens.views.words.origin import fact_text
from rnnlens.views.words.page.answers import (
    fidelity_answer,
    forecast_answer,
    inputs_answer,
    lags_answer,
    trust_answer,
)
from rnnlens.views.words.page.sections import page_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rnnlens.views.report.parts import ReportParts
    from rnnlens.views.tables.plain import Row

__all__ = ["context"]


def context(parts: ReportParts) -> Row:
    """Collect the plain values of a report, without its figures."""
    explained = summary.explanation_summary(parts.explanation)
    unit = str(explained.get("unit") or "")
    warned, network = warnings(parts), _network(parts.description)
    target = str(explained.get("target") or say("the output"))
    return {
        "language": spoken(),
        "words": page_words(),
        "title": parts.title,
        "about": _about(parts),
        "answers": [
            forecast_answer(parts.check, target),
            fidelity_answer(parts.fidelity),
            inputs_answer(parts.explanation),
            lags_answer(parts.lags, parts.evidence),
            trust_answer(warned, explained["max_residual"], _change(parts), unit),
        ],
        "sentences": parts.sentences or lag_sentences(parts.lags),
        "warnings": warned,
        "notes": list(parts.notes),
        **_layers(network),
        "network": network,
        "target": target,
        "by_feature": "feature" in parts.explanation["contribution"].dims,
        "forecast": paragraph(_forecast(parts, explained, target)),
        "errors": error_table(parts.check),
        "fidelity": fidelity_text(parts),
        "features": feature_table(parts.explanation),
        "lags": lag_table(parts.lags),
        **_evidence(parts),
        "input_headings": [say("input"), say("part"), say("mean contribution"), say("mean size")],
        "input_rows": [] if parts.together is None else input_rows(parts.together),
        "memory": _memory(parts),
        "window": _window(parts),
        "trust": trust_rows(parts, explained),
        "not_checked": not_checked(parts),
        "provenance": provenance_rows(parts),
        "again": parts.again,
        "citations": citations(parts),
    }


def _change(parts: ReportParts) -> float:
    """Give how far forecasts lie from their baseline on average."""
    moved = parts.explanation["forecast"] - parts.explanation["baseline_forecast"]
    return float(abs(moved).mean())


def _about(parts: ReportParts) -> str:
    """Say in a line what the page is about: the file, its format, how many windows, and when."""
    known = parts.description
    form = " ".join(str(known[key]) for key in ("format", "version") if known.get(key))
    file = PurePath(str(known.get("path") or "")).name
    count = int(parts.explanation.sizes["sample"])
    windows = many(count, "{count} window", "{count:,} windows")
    first, last = (summary.time_text(parts.explanation, place) for place in (0, count - 1))
    if count > 1 and "time" in parts.explanation.coords and first[:4].isdecimal():
        windows = many(
            count,
            "{count} window, {first} to {last}",
            "{count:,} windows, {first} to {last}",
            first=first,
            last=last,
        )
    return enumerated(filter(None, [file, form, windows]))


def _network(description: Mapping[str, Any]) -> Row:
    layers = []
    for layer in description.get("layers", ()):
        options = layer.get("options") or {}
        if isinstance(options, dict):
            options = ", ".join(f"{key} = {value}" for key, value in options.items())
        sizes = layer.get("output_shape") or ()
        shape = " × ".join(say("any") if size is None else f"{size:,}" for size in sizes)
        numbers = {key: _count(layer.get(key)) for key in ("features", "units", "parameters")}
        layers.append({**layer, **numbers, "options": options, "output_shape": shape})
    return {
        "format": " ".join(
            str(description[key]) for key in ("format", "version") if description.get(key)
        ),
        "file": PurePath(str(description.get("path") or "")).name,
        "parameters": _count(description.get("parameters")),
        "time_steps": fact_text(description.get("time_steps") or ""),
        "notes": [fact_text(note) for note in description.get("notes") or ()],
        "layers": layers,
        "arrays": [array for layer in layers for array in layer.get("arrays", ())],
    }


def _layers(network: Row) -> Row:
    """Give the tables of layers and arrays: headings, and rows as text."""
    layers, arrays = network["layers"], network["arrays"]
    keys = ("name", "kind", "features", "units", "output_shape", "parameters")
    total = [say("all layers"), "", "", "", "", network["parameters"]]
    return {
        "layer_headings": [say("layer"), say("kind"), say("features in"), say("units"),
                           say("output shape"), say("parameters")],
        "layer_rows": [*([layer[key] for key in keys] for layer in layers), total],
        "option_headings": [say("layer"), say("parameters"), say("options")],
        "option_rows": [
            [layer["name"], layer.get("formula") or "", layer["options"]] for layer in layers
        ],
        "array_headings": [say("array"), say("gate"), say("what it is"), say("shape"),
                           say("in the source"), say("stored at")],
        "array_rows": [
            [array["name"], gate_name(array["gate"]), array_text(array["meaning"]),
             " × ".join(f"{size:,}" for size in array["shape"]), array["source"],
             array.get("stored_at", "")]
            for array in arrays
        ],
    }  # fmt: skip


def _evidence(parts: ReportParts) -> Row:
    """Give the table of evidence, which of its columns are words, and how they were made."""
    if parts.evidence is None:
        return {"evidence": None, "evidence_text": (), "evidence_keys": (), "made_how": []}
    table = evidence_table(parts.evidence)
    count = len(table.headings)
    first = () if str(parts.evidence.attrs.get("by", "lag")) == "lag" else (0,)
    return {
        "evidence": table,
        "evidence_text": (*first, count - 2, count - 1),
        "evidence_keys": (0, 1, count - 2),  # its name, its share, the verdict
        "made_how": made_how(parts.evidence),
    }


def _count(number: object) -> str:
    return f"{number:,}" if isinstance(number, int) else "" if number is None else str(number)


def _forecast(parts: ReportParts, explained: Row, target: str) -> list[str]:
    """Say what was forecast and how far it was off."""
    unit = str(explained.get("unit") or "")
    said = []
    if parts.check is not None and not parts.check.attrs["cautioned"]:
        said.append(verdict_sentence(parts.check))
    said.append(
        many(
            int(explained["samples"]),
            "{count} window was explained. Its forecast of {target} is {mean}, from the baseline "
            "{base}.",
            "{count:,} windows were explained. The mean forecast of {target} is {mean}, from the "
            "baseline {base}.",
            target=target,
            mean=figure(explained["mean_forecast"], unit),
            base=figure(explained["mean_baseline_forecast"], unit),
        )
    )
    if explained.get("rmse") is not None and np.isfinite(explained["rmse"]):
        rmse = figure(explained["rmse"], unit)
        said.append(say("Over those of them with a known outcome its error (root mean square) is "
                        "{rmse}.", rmse=rmse))  # fmt: skip
    else:
        said.append(say("What happened is not known."))
    return said


def _memory(parts: ReportParts) -> list[str]:
    """Say how long the cells remember, or why that was not measured."""
    if isinstance(parts.memory, str):
        return [parts.memory] if parts.memory else []
    return memory_sentences(parts.memory)


def _window(parts: ReportParts) -> Row:
    """Say which window is shown, what it forecast and what happened."""
    unit = str(parts.explanation.attrs.get("unit") or "")
    chosen = parts.explanation.isel(sample=parts.window)
    when = summary.time_text(parts.explanation, parts.window)
    issued = summary.time_text(parts.explanation, parts.window, of="issued")
    said = [
        say(
            "Shown is {reason}: {when}. Its forecast is {forecast}, its baseline forecast "
            "{baseline}.",
            reason=parts.window_reason,
            when=when,
            forecast=figure(float(chosen["forecast"]), unit),
            baseline=figure(float(chosen["baseline_forecast"]), unit),
        )
    ]
    if issued != when and summary.is_dated(parts.explanation, "issued"):
        said.append(say("Its newest step is {issued}.", issued=issued))
    actual = float(chosen["actual"]) if "actual" in chosen else float("nan")
    said.append(
        say("What happened: {actual}.", actual=figure(actual, unit))
        if np.isfinite(actual)
        else say("What happened is not known.")
    )
    return {"when": when, "said": paragraph(said)}
