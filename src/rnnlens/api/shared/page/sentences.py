"""What a page says first: how good the forecast is, how far back it looks, what inputs give."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["page_sentences"]


def page_sentences(
    explained: xr.Dataset,
    by_lag: xr.Dataset,
    evidence: xr.Dataset | None,
    together: xr.DataTree | None,
) -> tuple[str, ...]:
    """Say what was found: how good the forecast is, how far back it looks, what all inputs give."""
    from rnnlens.views.words.explanation import lag_sentences
    from rnnlens.views.words.forecast import matters_sentence
    from rnnlens.views.words.inputs import inputs_sentences
    from rnnlens.views.words.lags import evidence_sentences

    good = matters_sentence(explained.attrs)
    shared = lag_sentences(by_lag)
    if evidence is not None:  # what shares say of the oldest lag is no evidence
        shared = (shared[0], *evidence_sentences(evidence))
    sentences = (good, *shared) if good else shared
    return sentences if together is None else (*sentences, *inputs_sentences(together))
