"""How a page was made: versions, hashes, settings, and the papers that it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnlens.views.words.language import say

if TYPE_CHECKING:
    from rnnlens.views.report.parts import ReportParts

__all__ = ["citations", "provenance_rows"]

SECANT = (
    "Shrikumar, Greenside and Kundaje (2017), Learning important features through propagating "
    "activation differences",
    "Lundberg and Lee (2017), A unified approach to interpreting model predictions",
)
INTERVALS = (
    "Politis and Romano (1994), The stationary bootstrap",
    "Politis and White (2004), Automatic block-length selection for the dependent bootstrap",
)
TESTS = (
    "Schuirmann (1987), A comparison of the two one-sided tests procedure and the power approach",
    "Diebold and Mariano (1995), Comparing predictive accuracy",
    "Maurer, Hothorn and Lehmacher (1995), Multiple comparisons in drug clinical trials and "
    "preclinical assays: a-priori ordered hypotheses",
)


def provenance_rows(parts: ReportParts) -> list[tuple[str, str]]:
    """Give what a reader needs in order to make the page again; nothing that changes by itself."""
    attrs = {**parts.lags.attrs, **parts.explanation.attrs}
    names = {
        "network": say("Network"),
        "network_format": say("Format"),
        "sha256": say("SHA-256 of the network's file"),
    }
    rows = [(text, str(attrs[key])) for key, text in names.items() if attrs.get(key)]
    rows += list(parts.data)
    settings = {key: attrs[key] for key in ("draws", "seed") if key in attrs}
    said = ", ".join(f"{key} {value}" for key, value in settings.items())
    own = str(attrs.get("settings") or "")
    rows.append((say("Settings"), "; ".join(filter(None, [own.strip("{}"), said]))))
    versions = {"rnnlens_version": "rnnlens", "numpy_version": "NumPy"}
    rows += [(text, str(attrs[key])) for key, text in versions.items() if attrs.get(key)]
    return [(name, value) for name, value in rows if value]


def citations(parts: ReportParts) -> list[str]:
    """Name the papers behind what the page shows."""
    cited: list[str] = list(SECANT) if parts.explanation.attrs.get("method") == "secant" else []
    if "confidence" in parts.lags.attrs:
        cited += INTERVALS
    if parts.evidence is not None and "tested" in parts.evidence.attrs:
        cited += TESTS
    return cited
