"""The page's own program: its module in one piece, what it is told, and what it may do."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.views.tables import summary
from rnnlens.views.words.explorer import explorer_words
from rnnlens.views.words.language import many, say
from rnnlens.views.words.origin import attribute_text
from rnnlens.views.words.units import unit_text
from rnnlens.views.words.verdicts import free_text

if TYPE_CHECKING:
    import xarray as xr

    from rnnlens.views.report.parts import Explorer, ReportParts

__all__ = ["MODULE", "carried", "data_text", "module_text", "policy", "told_text"]

#: The files of the module, each after those that it takes from.
MODULE = (
    "numbers", "cells", "run", "draw", "line", "bars", "waterfall", "heat", "table", "network",
    "explorer",
)  # fmt: skip


def module_text() -> str:
    """Give the module as one script: its files behind one another, without their imports."""
    folder = resources.files("rnnlens.views.report") / "module"
    parts = [(folder / f"{name}.mjs").read_text(encoding="utf-8") for name in MODULE]
    parts = [re.sub(r"^import .*\n", "", part, flags=re.MULTILINE) for part in parts]
    return "".join(re.sub(r"^export ", "", part, flags=re.MULTILINE) for part in parts)


def carried(explorer: Explorer | str) -> str:
    """Say which windows the page carries, where these are not all."""
    if isinstance(explorer, str) or not explorer.first:
        return ""
    return many(
        len(explorer.starts),
        "It carries the newest window of {windows:,}; the others would make the file too large.",
        "It carries the newest {count:,} of {windows:,} windows; the others would make the file "
        "too large.",
        windows=explorer.windows,
    )


def data_text(parts: ReportParts) -> str:
    """Give what the module is told, as JSON that no text in it can end."""
    assert not isinstance(parts.explorer, str)
    return told_text(parts.explanation, parts.explorer, parts.evidence)


def told_text(explanation: xr.Dataset, explorer: Explorer, evidence: xr.Dataset | None) -> str:
    """Give what the module is told, of an explanation and the bounds of its lags, as JSON."""
    told = _told(explanation, explorer, evidence)
    return json.dumps(told, allow_nan=False).replace("<", "\\u003c")


def policy(style: str, script: str) -> str:
    """Give the page's Content-Security-Policy: nothing is loaded, and no other script runs.

    Examples
    --------
    >>> policy("", "").startswith("default-src 'none'; style-src 'sha256-")
    True
    """
    rules = ["default-src 'none'", f"style-src '{_hash(style)}'"]
    if script:
        rules.append(f"script-src '{_hash(script)}'")
    return "; ".join([*rules, "img-src data:", "base-uri 'none'", "form-action 'none'"])


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _told(whole: xr.Dataset, explorer: Explorer, evidence: xr.Dataset | None) -> dict[str, Any]:
    explanation = whole.isel(sample=slice(explorer.first, None))
    count = len(explorer.starts)
    times = [summary.time_text(whole, explorer.first + k) for k in range(count)]
    unit = unit_text(explanation.attrs.get("unit"))
    labels = [_step(label) for label in summary.lag_labels(explanation)[::-1]]
    features = [str(name) for name in explanation["feature"].values]
    return {
        "network": {
            **explorer.network,
            "steps": explorer.steps,
            "features": len(features),
            "held": list(explorer.held),
            "place": explorer.place,
            "scale": explorer.scale,
            "offset": explorer.offset,
        },
        "series": explorer.series,
        "starts": explorer.starts.tolist(),
        "baselines": {
            "shape": list(explorer.shape),
            "numbers": explorer.baselines,
        },
        "means": explorer.means.tolist(),
        "sizes": explorer.scales.tolist(),
        "names": features,
        "units": [unit_text(one) for one in explorer.units],
        "target": str(explanation.attrs.get("target") or say("the output")),
        "unit": unit,
        "behind": f" {unit}" if unit else "",
        "times": times,
        "dated": all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", one) for one in times),
        "labels": labels,
        "actual": _actual(explanation),
        "picks": _picks(explanation, explorer),
        **_bounds(evidence, labels),
        "words": explorer_words(),
    }


def _step(label: str) -> str:
    return f"t-{label}" if label.isdecimal() else label


def _known(values: np.ndarray) -> list[float | None]:
    return [float(one) if np.isfinite(one) else None for one in values]


def _actual(explanation: xr.Dataset) -> list[float | None]:
    """Give what happened, window by window; None where it is not known."""
    if "actual" not in explanation:
        return [None] * explanation.sizes["sample"]
    return _known(explanation["actual"].values)


def _picks(explanation: xr.Dataset, explorer: Explorer) -> list[tuple[str, int]]:
    """Name windows worth a look: (why, place)."""
    furthest, _ = summary.pick_window(explanation)
    sizes = np.abs(explanation["contribution"].transpose("sample", "lag", "feature").to_numpy())
    old = sizes.sum(axis=2)
    picks = [(say("the furthest from its baseline"), furthest)]
    if "actual" in explanation and np.isfinite(explanation["actual"]).any():
        error = np.abs((explanation["forecast"] - explanation["actual"]).to_numpy())
        middle = np.abs(error - np.nanmedian(error))
        picks.append((say("a typical error"), int(np.nanargmin(middle))))
        picks.append((say("the worst error"), int(np.nanargmax(error))))
    if old.shape[1] > 1:
        share = old[:, old.shape[1] // 2 :].sum(axis=1)
        picks.append((say("the most from the older half of its steps"), int(np.argmax(share))))
    picks.append((say("the most unusual inputs"), explorer.unusual))
    return picks


def _bounds(evidence: xr.Dataset | None, labels: list[str]) -> dict[str, Any]:
    """Give the proven bound of each step, oldest first, and over what it is proven."""
    if evidence is None or "largest_bound" not in evidence:
        return {"bounds": [None] * len(labels), "range": ""}
    if "lag" not in evidence["largest_bound"].dims:
        return {"bounds": [None] * len(labels), "range": ""}
    bounds = _known(evidence["largest_bound"].values)
    known = dict(zip(map(_step, summary.lag_labels(evidence)), bounds, strict=False))
    about = say(
        "{free}, {range}, in the windows certified",
        free=free_text(evidence.attrs["free"]),
        range=attribute_text(evidence.attrs, "range"),
    )
    return {"bounds": [known.get(label) for label in labels], "range": about}
