"""One page that shows it all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from os import PathLike

    import xarray as xr

    from rnnlens.network.network import Network
    from rnnlens.series.windows import Windows

__all__ = ["report"]


def report(
    net: Network,
    data: Windows,
    path: str | PathLike[str],
    *,
    title: str | None = None,
    fidelity: xr.Dataset | None = None,
    evidence: xr.Dataset | None = None,
    confidence: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
    **options: Any,
) -> Path:
    """Write one self-contained HTML file about a network and its forecasts.

    The network and its weights by gate, the forecast against what happened, contributions by lag
    and by lag and feature, one window's gates over its steps, and what was checked.

    Parameters
    ----------
    net : Network
        The network.
    data : Windows or array (sample, step, feature)
        The windows that are explained, in the order of time.
    path : path
        The file to write, ``.html``.
    title : str, optional
        Of the page.
    fidelity : xarray.Dataset, optional
        A result of `rnnlens.fidelity`; without it the page says that fidelity was not checked.
    evidence : xarray.Dataset, optional
        A result of `rnnlens.lags` on the same windows: its table, its picture and its sentences are
        added.
    confidence, draws, seed
        Of the bootstrap, as in `rnnlens.lags`.
    **options
        As in `rnnlens.explain`: ``target``, ``horizon``, ``baseline``, ``held``, ``progress`` and
        so on. The page needs contributions by lag and feature, so its method is ``secant``.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If an option or an array does not fit, or the file cannot be written.
    """
    from rnnlens.api.forecast.explain import explain
    from rnnlens.api.inside.trace import trace
    from rnnlens.api.network.describe import describe
    from rnnlens.api.network.weights import weights
    from rnnlens.api.shared.case import make_case
    from rnnlens.api.shared.lag_shares import shares_of
    from rnnlens.evidence.options import Shares
    from rnnlens.results.place import placed
    from rnnlens.views.report.parts import ReportParts
    from rnnlens.views.report.render import render_report
    from rnnlens.views.tables.summary import pick_window
    from rnnlens.views.words.explanation import lag_sentences

    explained = explain(net, data, seed=seed, **{**options, "method": "secant"})
    interval = Shares(confidence=confidence, draws=draws, seed=seed)
    shares = shares_of(explained, "lag", interval)
    sample, reason = pick_window(explained)
    case = make_case(net, data, options.get("of"))
    one = {name: array[sample : sample + 1] for name, array in case.inputs.items()}
    parts = ReportParts(
        description=describe(net),
        explanation=explained,
        lags=shares,
        trace=trace(net, one),
        weights=weights(net, features=case.features),
        window=sample,
        window_reason=reason,
        fidelity=fidelity,
        title=title or f"What {net.name} learned about {explained.attrs['target']}",
        evidence=evidence,
        sentences=_sentences(lag_sentences(shares), evidence),
    )
    page, text = Path(path), render_report(parts)
    with placed(page) as draft:
        draft.write_text(text, encoding="utf-8")
    return page


def _sentences(shares: tuple[str, str], evidence: xr.Dataset | None) -> tuple[str, ...]:
    """Put the evidence in the place of what shares say of the oldest lag, which is no evidence."""
    from rnnlens.views.words.lags import evidence_sentences

    return shares if evidence is None else (shares[0], *evidence_sentences(evidence))
