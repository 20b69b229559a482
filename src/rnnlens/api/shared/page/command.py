"""The call that makes a page again, for it to say where no command was typed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr

    from rnnlens.evidence.options import Shares

__all__ = ["call_text"]


def call_text(page: Path, explained: xr.Dataset, shares: Shares, held: Sequence[str] | None) -> str:
    """Give the call that makes a page again, with the options that were not left as they are."""
    network = str(explained.attrs.get("network") or "")
    lines = [f"net = rnnlens.read({network!r})"] if network else []
    given = [f"target={str(explained.attrs['target'])!r}"]
    if held is not None:
        given.append(f"held={list(held)!r}")
    if isinstance(shares.baseline, str):
        given.append(f"shares=rnnlens.Shares(baseline={shares.baseline!r}, seed={shares.seed})")
    call = f"rnnlens.report(net, windows, {page.name!r}, {', '.join(given)})"
    return "\n".join(["import rnnlens", *lines, call])
