"""Evidence on several inputs: each by itself, the others held, in one tree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from rnnlens.api.shared.labels.joint import tree_of
from rnnlens.engine.schedule.progress import equal_parts
from rnnlens.errors import DataError
from rnnlens.evidence.proof.stopping import INTERRUPTED
from rnnlens.results.attributes import beside
from rnnlens.series.joint.windows import WindowsByInput

if TYPE_CHECKING:
    from rnnlens.api.shared.given.case import Case
    from rnnlens.engine.schedule.progress import Progress
    from rnnlens.evidence.options import Certificates

__all__ = [
    "certified_each",
    "in_one_tree",
    "nothing_more",
    "own_background",
    "own_ranges",
    "shared_time",
]

#: Variables that are about the forecast and not about an input.
SHARED = ("forecast", "baseline_forecast", "residual", "actual")
#: What attributes say of one input alone.
OWN = ("inputs", "held_inputs", "range", "input")


def in_one_tree(parts: dict[str, xr.Dataset], case: Case, left_out: Sequence[str]) -> xr.DataTree:
    """Put evidence on each input into one tree, what they share at its root."""
    first = next(iter(parts.values()))
    shared = first[[name for name in SHARED if name in first]]
    shared = shared.drop_vars([name for name in shared.coords if "sample" not in shared[name].dims])
    attrs = {
        name: value
        for name, value in first.attrs.items()
        if name not in OWN and all(one.attrs.get(name) == value for one in parts.values())
    }
    judged = next((one for one in parts.values() if one.attrs.get("forecast_check")), first)
    for name in ("forecast_check", "caution", "forecast_verdict"):
        for one in (name, beside(name)):
            attrs.pop(one, None)
            if one in judged.attrs:
                attrs[one] = judged.attrs[one]
    attrs |= case.about_inputs
    if left_out:
        attrs["inputs_left_out"] = ", ".join(left_out)
    return tree_of(parts, case, shared.assign_attrs(attrs))


def certified_each(
    case: Case,
    certify: Callable[..., xr.Dataset | xr.DataTree],
    features: str | int | Sequence[str | int] | None,
    certificates: Certificates,
    background: object,
    progress: Progress | None,
) -> xr.DataTree:
    """Certify each input by itself; tokens, which have no range, are left out and named."""
    assert case.layout is not None, "several inputs are laid into one"
    wanted = _features(case, features)
    parts: dict[str, xr.Dataset] = {}
    names = [name for name, one in case.each.items() if not one.tokens and name in wanted]
    if not names:
        raise DataError(
            "a certificate needs numbers in a range, but all inputs that are asked about "
            f"({', '.join(case.each)}) hold tokens"
        )
    certificates = shared_time(certificates, len(names))
    for name, told in zip(names, equal_parts(progress, len(names)), strict=True):
        part = certify(
            of=name,
            features=wanted[name],
            certificates=own_ranges(case, name, certificates),
            background=background
            if isinstance(background, WindowsByInput)
            else own_background(case, name, background),
            progress=told,
        )
        assert isinstance(part, xr.Dataset), "one input has no tree"
        parts[name] = part
        if part.attrs["ended"] == INTERRUPTED:  # of the inputs that follow nothing is asked
            certificates = nothing_more(certificates)
    left = [name for name, one in case.each.items() if one.tokens]
    return in_one_tree(parts, case, left)


def shared_time(certificates: Certificates, inputs: int) -> Certificates:
    """Share the time that certificates may take among so many inputs."""
    if certificates.seconds is None:
        return certificates
    return replace(certificates, budget=f"{certificates.seconds / inputs:.6f} s")


def nothing_more(certificates: Certificates) -> Certificates:
    """Ask for what takes no time."""
    return replace(certificates, budget="0.001 ms")


def own_background(case: Case, name: str, background: object) -> object:
    """Give the background of one input: of the first sequence, where it is no mapping."""
    if isinstance(background, Mapping):
        return background.get(name)
    return background if case.each[name] is case.single else None


def own_ranges(case: Case, name: str, certificates: Certificates) -> Certificates:
    """Take the ranges that are stated of one input's features."""
    stated = certificates.range
    if not isinstance(stated, Mapping):
        return certificates
    every = {feature for one in case.each.values() for feature in one.features}
    theirs = every - set(case.each[name].features)
    own = {feature: ends for feature, ends in stated.items() if feature not in theirs}
    return replace(certificates, range=own or None)


def _features(
    case: Case, given: str | int | Sequence[str | int] | None
) -> dict[str, list[str] | None]:
    """Give the features of each input that were named; None where all of them are asked for."""
    if given is None:
        return dict.fromkeys(case.each, None)
    listed = [given] if isinstance(given, str | int | np.integer) else list(given)
    found: dict[str, list[str] | None] = {}
    for name, one in case.each.items():
        own = [str(feature) for feature in listed if feature in one.features]
        if own:
            found[name] = own
    every = [feature for one in case.each.values() for feature in one.features]
    for feature in listed:
        if feature not in every:
            raise DataError(
                f"no feature of these inputs is called {feature!r}: give one of "
                f"{', '.join(dict.fromkeys(every))}, or name one input with of="
            )
    return found
