"""The evidence on lags as a table: for the terminal, as plain rows, and how it was made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.views.tables.certificates import ENDED
from rnnlens.views.tables.lag_rows import evidence_rows
from rnnlens.views.tables.plain import Attributes, Row, plain, plain_attributes
from rnnlens.views.tables.stated import with_origin
from rnnlens.views.tables.summary import far_off, far_off_text
from rnnlens.views.words.explanation import figure
from rnnlens.views.words.forecast import matters_sentence
from rnnlens.views.words.lags import IRRELEVANT, LOSSES, evidence_sentences, p_text, share_text
from rnnlens.views.words.language import many, marked, phrase, say
from rnnlens.views.words.origin import attribute_text, clause_texts, note_text
from rnnlens.views.words.units import in_brackets
from rnnlens.views.words.verdicts import free_text, rung_text, verdict_text

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from rich.console import Group

#: What a verdict stands on where the row never changes, as the table says it.
CONSTANT = "no evidence: constant"

__all__ = ["evidence_cells", "evidence_summary", "evidence_view", "made_how"]


def evidence_summary(table: xr.Dataset) -> Row:
    """Give a result of ``lags`` as a plain dict, ready for JSON."""
    attrs = plain_attributes(table.attrs)
    rows = evidence_rows(table).drop(columns="name").to_dict("records")
    key = {"lag": "lags", "feature": "features"}.get(str(attrs.get("by", "lag")), "rows")
    if "lag" not in table.dims:
        key = "ahead" if "ahead" in table.dims else "features"
    given = [{str(name): plain(value) for name, value in row.items()} for row in rows]
    good = matters_sentence(table.attrs)
    sentences = [*([good] if good else []), *evidence_sentences(table)]
    return {**attrs, key: given, "sentences": sentences}


def evidence_cells(table: xr.Dataset) -> tuple[list[str], list[list[str]]]:
    """Give the evidence as text: headings, and a row of cells for each."""
    rows = evidence_rows(table)
    by = {"lag": say("lag"), "feature": say("feature")}.get(
        str(table.attrs.get("by", "lag")), say("input")
    )
    if str(table.attrs.get("by", "lag")) == "lag" and "lag" not in table.dims:
        by = say("ahead") if "ahead" in table.dims else say("feature")
    columns: list[tuple[str, list[str]]] = [
        (by, list(rows["name"])),
        (say("share"), _marked(table, rows)),
        (say("interval"), _shares(rows)),
    ]
    if "largest_bound" in rows:
        bounds, attained = (
            rows[name].to_numpy(float) for name in ("largest_bound", "largest_attained")
        )
        bounded = bool(np.isfinite(bounds).any())
        decimals = _decimals(bounds if bounded else attained)
        if bounded:
            columns += [(say("proven\nat most"), [_up(value, decimals) for value in bounds])]
        columns += [(say("attained"), [_down(value, decimals) for value in attained])]
    if "error_change" in rows:
        ends = rows[["error_change_low", "error_change_high"]].to_numpy(float)
        decimals = _decimals(np.array([float(table.attrs["margin"])]))
        low, high = (_signed(ends[:, k], decimals) for k in (0, 1))
        spans = [
            say("{low} to {high}", low=a, high=b) if a else ""
            for a, b in zip(low, high, strict=True)
        ]
        changed = _signed(rows["error_change"].to_numpy(float), decimals)
        columns += [(say("error\nif hidden"), changed), (say("interval"), spans)]
    caution = bool(table.attrs.get("caution"))
    verdicts = [
        say("{verdict} (CAUTION)", verdict=verdict_text(verdict))
        if caution and verdict in IRRELEVANT
        else verdict_text(verdict)
        for verdict in rows["verdict"]
    ]
    columns += [(say("verdict"), verdicts), (say("stands on"), _grounds(table, rows))]
    cells = [list(row) for row in zip(*(values for _, values in columns), strict=True)]
    return [heading for heading, _ in columns], cells


@with_origin
def evidence_view(table: xr.Dataset) -> Group:
    """Show how good the forecast is, the evidence on each lag, how it was made, what it says."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table

    headings, cells = evidence_cells(table)
    shown = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    words = {0, len(headings) - 2, len(headings) - 1} if not _is_by_lag(table) else {
        len(headings) - 2, len(headings) - 1
    }  # fmt: skip
    for place, heading in enumerate(headings):
        shown.add_column(heading, justify="left" if place in words else "right", no_wrap=True)
    for row in cells:
        shown.add_row(*(cell.replace(" (CAUTION)", "\n(CAUTION)") for cell in row))
    a = table.attrs
    unit = in_brackets(a.get("unit"))
    heading = _heading(table).format(target=a.get("target") or say("the output"), unit=unit)
    good = matters_sentence(a)
    first = [good, ""] if good else []
    return Group(*first, heading, shown, *made_how(table), "", *evidence_sentences(table))


def _is_by_lag(table: xr.Dataset) -> bool:
    return str(table.attrs.get("by", "lag")) == "lag" and "lag" in table.dims


def _heading(table: xr.Dataset) -> str:
    by = str(table.attrs.get("by"))
    if by == "lag" and "lag" not in table.dims:
        if "ahead" in table.dims:
            return phrase(marked("Evidence on each step ahead for the forecast of {target}{unit}"))
        by = "feature"
    return phrase(
        {
            "lag": marked("Evidence on each lag for the forecast of {target}{unit}"),
            "feature": marked("Evidence on each feature for the forecast of {target}{unit}"),
        }.get(by, marked("Evidence on each input for the forecast of {target}{unit}"))
    )


def made_how(table: xr.Dataset) -> list[str]:
    """Say how the columns were made, a sentence each, and what is missing."""
    a = table.attrs
    values = {
        "method": a.get("method"),
        "count": int(a["samples"]),
        "baseline": attribute_text(a, "baseline"),
        "level": f"{100 * float(a['confidence']):g}",
        "block": a.get("block_length"),
        "residual": figure(a.get("max_residual"), str(a.get("unit") or ""), digits=2),
    }
    lines = [
        say(
            "Share: by {method} over {count:,} windows, baseline {baseline}; {level} % interval "
            "(blocks of {block}); largest residual {residual}.",
            **values,
        )
        if a.get("block_length")
        else say(
            "Share: by {method} over {count:,} windows, baseline {baseline}; {level} % interval; "
            "largest residual {residual}.",
            **values,
        )
    ]
    held = str(a.get("held_inputs") or "")
    if held:
        lines.append(
            say("Held at what they are: inputs {held}.", held=held)
            if ", " in held
            else say("Held at what they are: input {held}.", held=held)
        )
    if a.get("share_note"):
        lines.append(say("Interval of the shares: {note}.", note=attribute_text(a, "share_note")))
    if "exact_lags" in a:
        lines += [
            say("{said}.", said=f"{text[0].upper()}{text[1:]}")
            for text in (attribute_text(a, name) for name in ("why", "audit"))
            if text
        ]
    if far_off_text(table):
        lines.append(say("{said}.", said=far_off_text(table)))
    if "certified" in a:
        lines += _certified(table)
    if "tested" in a:
        lines += _tested(table)
    if "replacements" in a:
        lines.append(_observed(table))
    lines += [say("Missing: {part}.", part=part) for part in clause_texts(a, "missing")]
    notes = [
        say("{name}: {fact}.", name=row["name"], fact=note_text(table, row["note"]))
        for row in evidence_rows(table).to_dict("records")
        if row.get("note")
    ]
    return [*lines, *notes[:3], *_more(len(notes) - 3)]


def _more(count: int) -> list[str]:
    return [say("... and {count} more.", count=count)] if count > 0 else []


def _certified(table: xr.Dataset) -> list[str]:
    a, bounds = table.attrs, table["largest_bound"].values
    refuted = int(a.get("questions_undecided_in_refuted_rows") or 0)
    undecided = int(a["questions_undecided"]) - refuted
    unasked = int(a.get("questions_not_asked") or 0)
    left = [say("{count:,} undecided", count=undecided)] if undecided else []
    if refuted:
        left.append(say("{count:,} left, for another refutes their row", count=refuted))
    if unasked:
        why = phrase(ENDED[a["certificates_ended"]])
        left.append(say("{count:,} not asked: {why}", count=unasked, why=why))
    unit = str(a.get("unit") or "")
    what = say("Proven at most, attained") if np.isfinite(bounds).any() else say("Attained")
    values = {
        "what": what,
        "free": free_text(a["free"]),
        "range": attribute_text(a, "range"),
        "certified": int(a["certified"]),
        "whole": int(a["certified_of"]),
        "questions": int(a["questions"]),
        "left": say(", ").join(left) or say("all decided"),
        "tolerance": figure(a["tolerance"], unit, digits=2),
        "why": attribute_text(a, "tolerance_text"),
    }
    deviation = float(a.get("deviation") or 0)
    said = (
        say(
            "{what}: {free}, anywhere in {range}, all other inputs as they are, in {certified:,} "
            "of {whole:,} windows ({questions:,} questions, {left}); twice a deviation of "
            "{deviation:.1g} is added, measured; what does not matter: {tolerance} ({why}).",
            deviation=deviation,
            **values,
        )
        if deviation
        else say(
            "{what}: {free}, anywhere in {range}, all other inputs as they are, in {certified:,} "
            "of {whole:,} windows ({questions:,} questions, {left}); what does not matter: "
            "{tolerance} ({why}).",
            **values,
        )
    )
    if not (np.isinf(bounds) & (table["refuted"].values > 0)).any():
        return [said]
    unsought = say(
        "No bound is sought of a row that a counter-example refutes; rnnlens certify gives one."
    )
    return [said, unsought]


def _observed(table: xr.Dataset) -> str:
    a = table.attrs
    count = int(a["replacements"])
    still = int((table["observed_exceeded"].values == 0).sum())
    values = {
        "windows": int(a["observed_windows"]),
        "tried": say("all {count:,} pairs", count=count)
        if a["replacements_all"]
        else say("{count:,} draws", count=count),
        "most": _size(a, str(a.get("unit") or "")),
    }
    if not still:
        return say(
            "Observed values: each row replaced by what {windows:,} windows hold there, in "
            "{tried}; in every row some moved the forecast by more than {most}.",
            **values,
        )
    if a["replacements_all"]:
        return many(
            still,
            "Observed values: each row replaced by what {windows:,} windows hold there, in "
            "{tried}; in {count} row none moved the forecast by more than {most}.",
            "Observed values: each row replaced by what {windows:,} windows hold there, in "
            "{tried}; in {count} rows none moved the forecast by more than {most}.",
            **values,
        )
    return many(
        still,
        "Observed values: each row replaced by what {windows:,} windows hold there, in {tried}; in "
        "{count} row none moved the forecast by more than {most}: {share}.",
        "Observed values: each row replaced by what {windows:,} windows hold there, in {tried}; in "
        "{count} rows none moved the forecast by more than {most}: {share}.",
        share=share_text(table),
        **values,
    )


def _size(a: Attributes, unit: str) -> str:
    return figure(a["tolerance"], unit, digits=2)


def _tested(table: xr.Dataset) -> list[str]:
    a = table.attrs
    unit = str(a.get("loss_unit") or "")
    loss = phrase(LOSSES.get(str(a["loss"]), str(a["loss"])))
    values = {
        "draws": a["draws_per_window"],
        "windows": _resting(table),
        "mean": say(
            "no actuals are known, so it is the {loss} change of the forecast itself", loss=loss
        )
        if a.get("blind")
        else say(
            "the mean {loss} error is {error}",
            loss=loss,
            error=figure(a["mean_loss"], unit, digits=3),
        ),
        "margin": figure(a["margin"], unit, digits=2),
        "why": attribute_text(a, "margin_text"),
        "interval": f"{100 * float(a['interval']):g}",
        "level": f"{100 * float(a['alpha']):g}",
        "correction": attribute_text(a, "correction"),
    }
    drawn = say(
        "Drawn from {sampler}; {fit}.",
        sampler=attribute_text(a, "sampler"),
        fit=attribute_text(a, "sampler_fit"),
    )
    return [
        say(
            "Error if hidden: the row is drawn anew given the rest of the window, {draws} times, "
            "in {windows}; {mean}; margin {margin} ({why}); {interval} % interval; at {level} %, "
            "correction {correction}.",
            **values,
        ),
        drawn if a.get("sampler_fits") else say("CAUTION: {caution}", caution=drawn),
    ]


def _resting(table: xr.Dataset) -> str:
    """Say on how many windows the changes rest, from the row with fewest to that with most."""
    tested = int(table.attrs["tested"])
    counts = table["resting_on"].values if "resting_on" in table else np.array([])
    counts = counts[np.isfinite(counts)]
    if not len(counts):
        return say("{count:,} windows", count=tested)
    few, most = (f"{max(1, round(float(end))):,}" for end in (counts.min(), counts.max()))
    rest = few if few == most else say("{low} to {high}", low=few, high=most)
    return say("{count:,} windows, and rests on about {rest} of them", count=tested, rest=rest)


def _grounds(table: xr.Dataset, rows: pd.DataFrame) -> list[str]:
    """Say in a few characters what each verdict stands on."""
    texts = []
    for row in rows.to_dict("records"):
        verdict = row["verdict"]
        if verdict == "structural":
            texts.append(rung_text(row["rung"]))
        elif verdict == "proven":
            count = int(table.attrs["certified"])
            texts.append(say("{part}/{count} windows", part=count, count=count))
        elif verdict in {"equivalent", "used"}:
            p = row["p_equivalent"] if verdict == "equivalent" else row["p_used"]
            texts.append(p_text(float(p)))
        elif verdict == "bounded":
            texts.append(say("{count:,} draws", count=int(table.attrs["replacements"])))
        elif verdict == "refuted":
            counts = (int(row.get(name, 0)) for name in ("refuted", "observed_exceeded"))
            texts.append(_counter_examples(table.attrs, *counts))
        elif row["rung"] == CONSTANT:
            texts.append(say("never changes"))
        else:
            texts.append("")
    return texts


def _counter_examples(a: Attributes, windows: int, draws: int) -> str:
    """Say in how many windows, or how many draws, a value was found that moves the forecast."""
    if windows:
        return say("{part}/{count} windows", part=windows, count=int(a["certified"]))
    return say("{part:,}/{count:,} draws", part=draws, count=int(a["replacements"]))


def _shares(rows: pd.DataFrame) -> list[str]:
    ends = rows[["share_low", "share_high"]].to_numpy(float) * 100
    return ["" if np.isnan(a) else f"{a:.1f}–{b:.1f}" for a, b in ends]


def _marked(table: xr.Dataset, rows: pd.DataFrame) -> list[str]:
    """Write shares, those that are far from exact with a mark."""
    far = far_off(table) if "lag" in table["share"].dims else []
    lags = dict(zip(table["lag"].values.tolist(), far, strict=True)) if far else {}
    marks = [lags.get(lag, False) for lag in rows["lag"]] if lags else [False] * len(rows)
    shares = [_percent(value) for value in rows["share"]]
    return [f"~{one}" if mark else one for one, mark in zip(shares, marks, strict=True)]


def _percent(value: float) -> str:
    return "" if np.isnan(value) else f"{100 * value:.1f} %"


def _decimals(values: np.ndarray) -> int:
    """Give the decimals with which the smallest number that is not zero shows two digits."""
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    return 2 if not len(sizes) else int(np.clip(1 - np.floor(np.log10(sizes.min())), 0, 4))


def _up(value: float, decimals: int) -> str:
    """Write a bound rounded up, by decimal arithmetic so that it is not too small by rounding."""
    return _rounded(value, decimals, "ROUND_CEILING")


def _down(value: float, decimals: int) -> str:
    return _rounded(value, decimals, "ROUND_FLOOR")


def _rounded(value: float, decimals: int, how: str) -> str:
    from decimal import Decimal

    if not np.isfinite(value):
        return ""
    return f"{Decimal(float(value)).quantize(Decimal(1).scaleb(-decimals), rounding=how):f}"


def _signed(values: np.ndarray, decimals: int) -> list[str]:
    rounded = np.round(values, decimals) + 0.0  # so that there is no -0
    return ["" if np.isnan(value) else f"{value:+.{decimals}f}" for value in rounded]
