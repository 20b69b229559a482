"""From what certificates show to a labelled result."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from rnnlens.api.shared.labels.network_provenance import network_provenance
from rnnlens.names import told
from rnnlens.results.label import label

if TYPE_CHECKING:
    import xarray as xr

    from rnnlens.api.shared.given.case import Case
    from rnnlens.evidence.proof.certificate import CertifiedChanges
    from rnnlens.evidence.proof.ranges import Ranges

__all__ = ["CertificateAbout", "labelled_certificate"]


@dataclass(frozen=True)
class CertificateAbout:
    """What a result says of what was asked."""

    target: str
    unit: str
    range: str
    deviation_against: str
    #: Why the search ended before all was decided: ``time``, ``interrupted``, or nothing.
    ended: str = ""


def labelled_certificate(
    case: Case, changes: CertifiedChanges, ranges: Ranges, about: CertificateAbout
) -> xr.Dataset:
    """Label what certificates show, values in the features' own units where these are known."""
    free = list(ranges.features)
    units, step = ["network units"] * len(free), {}
    if case.windows is not None:
        scaling = case.windows.feature_scaling[free]
        changes = replace(
            changes,
            value=scaling.undo(changes.value),
            low=scaling.undo(changes.low),
            high=scaling.undo(changes.high),
        )
        units, step = [case.windows.units[k] for k in free], {"step": case.windows.step}
    extra = {
        **asdict(about),
        **step,
        **case.about_steps,
        "kind": "certificate",
        "tolerance": changes.tolerance,
        "deviation": changes.deviation,
        "assumption": told(
            "all other inputs as they are; twice the deviation is added, measured and not proven"
        ),
    }
    return label(
        changes,
        coords={
            "lag": list(ranges.lags),
            "feature": [case.features[k] for k in free],
            "feature_unit": ("feature", units),
            **case.sample_coords(about.target),
        },
        attrs=network_provenance(case.network, method="certify", extra=extra),
        long_names={
            "lag": "lag (1 = newest step)",
            "time": "time that the forecast is for",
            "issued": "time of the newest step fed in",
        },
    )
