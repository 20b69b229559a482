"""One page that shows it all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from rnnlens.api.shared.given.arguments import checked
from rnnlens.api.shared.linear_algebra import one_blas_thread
from rnnlens.attribution.options import Effort, Target
from rnnlens.errors import InputError
from rnnlens.evidence.options import Shares

if TYPE_CHECKING:
    from os import PathLike

    import xarray as xr
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.case import Case, NamedTarget
    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows
    from rnnlens.views.report.parts import Explorer, ReportParts

__all__ = ["check_page", "report"]

#: What a report is written as, by the ending of its name.
ENDINGS = (".html", ".htm", ".pdf")
#: How long the parts of a report take beside one another, about.
WEIGHTS = {"explained": 4.0, "gathered": 1.0, "drawn": 4.0}


@checked()
@one_blas_thread
def report(
    net: NetworkLike,
    data: Windows | WindowsByInput,
    path: str | PathLike[str],
    *,
    title: str | None = None,
    target: Target | str | int | None = None,
    held: Sequence[str] | None = None,
    background: Windows | WindowsByInput | ArrayLike | None = None,
    initial_state: Mapping[str, Sequence[ArrayLike]] | None = None,
    of: str | Sequence[str] | None = None,
    precision: str = "float64",
    shares: Shares = Shares(),
    fidelity: xr.Dataset | None = None,
    evidence: xr.Dataset | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write one file about a network and its forecasts: an HTML page, or a PDF.

    The network and its weights by gate, the forecast against what happened, contributions by lag
    and by lag and feature, one window's gates over its steps, and what was checked.

    Parameters
    ----------
    net : Network, path or live model
        What `rnnlens.read` takes, or what it gave.
    data : Windows or array (sample, step, feature)
        The windows that are explained, in the order of time.
    path : path
        The file to write: ``.html`` for one self-contained page, ``.pdf`` for paper (which needs
        pypdf).
    title : str, optional
        Of the page.
    target, held, background, initial_state, of, progress
        As in `rnnlens.explain`.
    precision : {"float64", "float32"}
        What contributions are computed in; float32 takes about half the time.
    shares : Shares
        The baseline of the contributions, the seed of what is drawn, and the interval of each lag's
        share. The page needs contributions by lag and feature, so the method is ``secant``.
    fidelity : xarray.Dataset, optional
        A result of `rnnlens.fidelity`; without it the page says that fidelity was not checked.
    evidence : xarray.Dataset, optional
        A result of `rnnlens.lags` on the same windows: its table, its picture and its sentences are
        added.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If an option or an array does not fit, or the file cannot be written.
    MissingLibrary
        If ``.pdf`` is to be written and pypdf is not installed.
    """
    from rnnlens.api.forecast.explain import explain
    from rnnlens.api.inside.trace import trace
    from rnnlens.api.network.describe import describe
    from rnnlens.api.network.weights import weights
    from rnnlens.api.shared.given.joint.making import make_case, page_sequence
    from rnnlens.api.shared.given.network_given import as_network
    from rnnlens.api.shared.given.shares import share_question
    from rnnlens.api.shared.given.target import one_target
    from rnnlens.api.shared.labels.joint import part_of
    from rnnlens.api.shared.labels.lag_shares import shares_of
    from rnnlens.attribution.options import as_target
    from rnnlens.engine.schedule.progress import Parts
    from rnnlens.results.place import placed
    from rnnlens.views.report.parts import ReportParts
    from rnnlens.views.tables.summary import pick_window

    net = as_network(net, data)
    page = check_page(path)
    if shares.method not in {"auto", "secant"}:
        raise InputError(
            "the page needs contributions by lag and feature, which are made by 'secant', not "
            f"{shares.method!r}: leave the method out of shares"
        )
    every = make_case(net, data, of, several=True, output=as_target(target).output)
    case = make_case(net, data, page_sequence(every), output=as_target(target).output)
    chosen = one_target(case, replace(as_target(target), logits=None))
    with Parts(progress, **WEIGHTS) as parts:
        explained = explain(
            net, data, target=target, held=held, background=background, initial_state=initial_state,
            of=case.of, effort=Effort(precision=precision, seed=shares.seed),
            progress=parts.of("explained"), **share_question(case, shares),
        )  # fmt: skip
        explained = cast("xr.Dataset", explained)  # one sequence has no tree
        together = None
        if every.each:
            together = explain(
                net, data, target=target, method="secant", baseline=shares.baseline, held=held,
                background=background, initial_state=initial_state, of=list(every.each),
                effort=Effort(precision=precision, seed=shares.seed),
            )  # fmt: skip
            together = cast("xr.DataTree", together)
        by_lag = shares_of(explained, "lag", shares)
        sample, reason = pick_window(explained)
        one = {name: array[sample : sample + 1] for name, array in case.inputs.items()}
        if evidence is not None and case is not every:
            evidence = part_of(evidence, case.of)
        said = ReportParts(
            description=describe(net),
            explanation=explained,
            lags=by_lag,
            trace=trace(case.network, one, initial_state=_of_one(initial_state, sample)),
            weights=weights(net, features=case.features),
            window=sample,
            window_reason=reason,
            fidelity=fidelity,
            title=title or f"What {net.name} learned about {explained.attrs['target']}",
            evidence=evidence,
            sentences=_sentences(explained, by_lag, evidence, together),
            together=together,
            explorer=_explorer(
                case,
                explained,
                chosen,
                shares,
                held,
                background,
                carried=initial_state is not None,
            ),
        )
        parts.done("gathered")
        with placed(page) as draft:
            draft.write_bytes(_rendered(said, page, parts.of("drawn")))
        return page


def _sentences(
    explained: xr.Dataset,
    by_lag: xr.Dataset,
    evidence: xr.Dataset | None,
    together: xr.DataTree | None,
) -> tuple[str, ...]:
    """Say what was found: how good the forecast is, how far back it looks, what all inputs give."""
    from rnnlens.api.shared.forecast.important import important_features
    from rnnlens.views.words.explanation import lag_sentences
    from rnnlens.views.words.forecast import matters_sentence
    from rnnlens.views.words.inputs import inputs_sentences
    from rnnlens.views.words.lags import evidence_sentences

    good = matters_sentence({**explained.attrs, **important_features(explained)})
    shared = lag_sentences(by_lag)
    if evidence is not None:  # what shares say of the oldest lag is no evidence
        shared = (shared[0], *evidence_sentences(evidence))
    sentences = (good, *shared) if good else shared
    return sentences if together is None else (*sentences, *inputs_sentences(together))


def _of_one(
    states: Mapping[str, Sequence[ArrayLike]] | None, sample: int
) -> dict[str, list[ArrayLike]] | None:
    """Take the carried states of one window."""
    if states is None:
        return None
    return {
        layer: [np.asarray(state)[sample : sample + 1] for state in carried]
        for layer, carried in states.items()
    }


def _explorer(
    case: Case,
    explained: xr.Dataset,
    target: NamedTarget,
    shares: Shares,
    held: Sequence[str] | None,
    background: Windows | WindowsByInput | ArrayLike | None,
    *,
    carried: bool,
) -> Explorer | str:
    """Give what the page runs: the same question as is explained, in the same numbers."""
    from rnnlens.api.shared.given.baselines import usual_baseline
    from rnnlens.api.shared.given.joint.baselines import baseline_of
    from rnnlens.api.shared.page.explorer import explorer_of

    if explained.attrs.get("explained_on") == "logits":
        return "This page cannot run the network itself: its classes are explained on logits."
    given = usual_baseline(case, shares.baseline)
    baseline = baseline_of(case, given, held, background, shares.seed)[0]
    return explorer_of(case, target, baseline, carried=carried)


def check_page(path: str | PathLike[str]) -> Path:
    """Refuse a file that cannot be written, before anything is computed.

    Parameters
    ----------
    path : path
        The file to write.

    Returns
    -------
    Path
        The same.

    Raises
    ------
    InputError
        If its ending is neither ``.html`` nor ``.pdf``, or it is a folder or in none.
    MissingLibrary
        If ``.pdf`` is to be written and pypdf is not installed.
    """
    from rnnlens.views.report.pdf import check_library

    page = Path(path)
    if page.suffix.lower() not in ENDINGS:
        raise InputError(
            f"a report is written as {' or '.join(ENDINGS)}, which its name says, not as "
            f"{page.name!r}: give a name such as report.html"
        )
    if page.is_dir():
        raise InputError(f"{page} is a folder; give the name of a file")
    if not page.parent.is_dir():
        raise InputError(f"there is no folder {page.parent} to write {page.name} in")
    if page.suffix.lower() == ".pdf":
        check_library()
    return page


def _rendered(parts: ReportParts, page: Path, progress: Callable[[int, int], None]) -> bytes:
    from rnnlens.views.report.pdf import render_pdf
    from rnnlens.views.report.render import render_report

    if page.suffix.lower() == ".pdf":
        return render_pdf(parts, progress)
    return render_report(parts, progress).encode("utf-8")
