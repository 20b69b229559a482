"""What the page says of its own numbers: what was checked, what warns of them, what was not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnlens.views.tables import summary
from rnnlens.views.words.explanation import figure
from rnnlens.views.words.language import many, say
from rnnlens.views.words.origin import attribute_text, origin_sentences

if TYPE_CHECKING:
    from rnnlens.views.report.parts import ReportParts
    from rnnlens.views.tables.plain import Row

__all__ = ["fidelity_text", "not_checked", "trust_rows", "warnings"]


def warnings(parts: ReportParts) -> list[str]:
    """Say what speaks against the answers, the gravest first."""
    a = parts.explanation.attrs
    caution = attribute_text(a, "caution")
    said = [say("{caution}.", caution=caution.rstrip(".。"))] if caution else []
    said += origin_sentences(a)
    if parts.fidelity is not None and not parts.fidelity.attrs.get("agrees"):
        said.append(say("The network does not compute what its source does."))
    if a.get("unusual"):
        said.append(
            say(
                "The baseline lies unusually far from the data, so the network may not have "
                "learned what it does there."
            )
        )
    far = summary.far_off_text(parts.explanation)
    if far:
        said.append(say("{said}.", said=far))
    fewest = int(parts.lags.attrs.get("fewest", 0))
    if fewest:
        said.append(
            many(
                int(parts.explanation.sizes["sample"]),
                "There is {count} window; an interval of a share needs {fewest}.",
                "There are {count} windows; an interval of a share needs {fewest}.",
                fewest=fewest,
            )
        )
    note = attribute_text(parts.lags.attrs, "share_note")
    if note:
        said.append(say("Intervals of the shares: {note}.", note=note))
    if parts.evidence is not None and not parts.evidence.attrs.get("sampler_fits", 1):
        said.append(
            say("What stands in for hidden inputs in the tests does not look like the data.")
        )
    return said


def trust_rows(parts: ReportParts, explained: Row) -> list[tuple[str, str]]:
    """Give what was checked and how, with the numbers."""
    unit = str(explained.get("unit") or "")
    lags = parts.lags.attrs
    rows = [
        (
            say("Residual"),
            say(
                "{most} at most: what the contributions of a window leave unexplained of its "
                "forecast minus its baseline forecast",
                most=figure(explained["max_residual"], unit),
            ),
        ),
        (say("Method"), str(explained.get("method") or say("not stated"))),
        (
            say("Baseline"),
            say(
                "{baseline}; its forecast is {forecast} (mean over the windows)",
                baseline=attribute_text(parts.explanation.attrs, "baseline") or say("not stated"),
                forecast=figure(explained["mean_baseline_forecast"], unit),
            ),
        ),
        (say("Held features"), str(explained.get("held") or say("none"))),
    ]
    if explained.get("held_inputs"):
        rows.append((say("Held inputs"), str(explained["held_inputs"])))
    if "confidence" in lags:
        rows.append((say("Intervals"), _intervals(parts)))
    return rows


def _intervals(parts: ReportParts) -> str:
    a = parts.lags.attrs
    return say(
        "{level} %, bootstrap over the windows in blocks of {block}; method {method}, "
        "{samples:,} windows",
        level=f"{100 * float(a['confidence']):g}",
        block=a.get("block_length", 1),
        method=a.get("method", say("not stated")),
        samples=int(a.get("samples", parts.explanation.sizes["sample"])),
    )


def fidelity_text(parts: ReportParts) -> str:
    """Say with the numbers whether this run equals that of the source."""
    if parts.fidelity is None:
        return say("not checked: the network was not run against its source")
    a = parts.fidelity.attrs
    coarse = say(", as {rounds}", rounds=attribute_text(a, "rounds")) if a.get("rounds") else ""
    values = {
        "largest": figure(a.get("largest", float(parts.fidelity["largest_difference"].max()))),
        "tolerance": figure(a.get("tolerance")),
        "coarse": coarse,
        "source": attribute_text(a, "against") or say("the source model"),
        "samples": int(a.get("samples", 0)),
    }
    if a.get("agrees"):
        return say(
            "agrees: the largest difference is {largest} (tolerance {tolerance}{coarse}) against "
            "{source}, over {samples:,} windows",
            **values,
        )
    return say(
        "DOES NOT AGREE: the largest difference is {largest} (tolerance {tolerance}{coarse}) "
        "against {source}, over {samples:,} windows",
        **values,
    )


def not_checked(parts: ReportParts) -> list[str]:
    """Say what was not checked."""
    said = []
    if parts.fidelity is None:
        said.append(
            say(
                "Whether this run equals the source model's; without that, nothing here shows that "
                "the file was read right."
            )
        )
    if "actual" not in parts.explanation:
        said.append(say("How large the forecast's error is: what happened was not given."))
    said.append(say("Whether another method of attribution gives the same contributions."))
    if parts.evidence is None:
        said.append(say("Whether any lag is irrelevant: a small share is no test of that."))
    said.append(
        say(
            "What causes what: contributions tell what this network computed, not how the world "
            "works."
        )
    )
    return said
