"""All evidence on each lag as one labelled table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.api.shared.lags.certificates import ALONE, TOGETHER
from rnnlens.evidence.ladder import RUNGS, ladder
from rnnlens.evidence.proof.certificate import VERDICTS

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from rnnlens.api.shared.case import Case
    from rnnlens.api.shared.lags.certificates import LagCertificates
    from rnnlens.api.shared.lags.rows import Rows
    from rnnlens.api.shared.lags.tests import LagTests
    from rnnlens.evidence.statistics.scenario import Scenario

__all__ = ["HELD", "assembled"]

#: What is said of a row all of which is held.
HELD = "held"
Variables = dict[str, tuple[Any, ...]]


def assembled(
    table: xr.Dataset,
    case: Case,
    rows: Rows,
    *,
    certificates: LagCertificates | None,
    tests: LagTests | None,
    observed: Scenario | None,
    moved: tuple[NDArray[np.int64], NDArray[np.float64]] | None,
    about: dict[str, Any],
) -> xr.Dataset:
    """Add certificates, tests and verdicts to a table of shares."""
    from rnnlens.results.provenance import file_safe

    unit = str(table.attrs["unit"] or "network units")
    attrs = {"kind": "evidence on lags", **about}
    if certificates is not None:
        made, facts = _certified(rows, certificates, case, unit)
        table, attrs = table.assign(made), attrs | facts
        table = _with_windows(table, case, rows, certificates, unit)
    if tests is not None:
        made, facts = _tested(rows, tests, unit)
        table, attrs = table.assign(made), attrs | facts
        if rows.by == "lag" and len(rows.rows) == case.x.shape[1]:
            table = table.assign(_older(tests, case.x.shape[1]))
    if observed is not None:
        made, facts = _observed(rows, observed, unit)
        table, attrs = table.assign(made), attrs | facts
    if moved is not None:
        table = _with_moved(table, case, rows, moved, unit)
    verdict = _verdicts(rows, case, certificates, tests, observed)
    grounds = {**RUNGS, HELD: HELD}
    table["verdict"] = (rows.dims, verdict, {"long_name": "what the evidence says"})
    rung = np.array([grounds[one] for one in verdict.ravel()]).reshape(verdict.shape)
    table["rung"] = (rows.dims, rung, {"long_name": "what the verdict stands on"})
    return table.assign_attrs({key: file_safe(value) for key, value in attrs.items()})


def _certified(
    rows: Rows, certificates: LagCertificates, case: Case, unit: str
) -> tuple[Variables, dict[str, Any]]:
    found = [certificates.of(rows.rows[place]) for place in rows.asked]
    bound = [one[0].max() for one in found]
    counts = {name: [_count(one[2], name) for one in found] for name in VERDICTS}
    worst = [one[0].max(axis=1).argmax() for one in found]
    dims, spread = rows.dims, rows.spread
    variables: Variables = {
        "largest_bound": (
            dims,
            spread(bound, np.nan),
            {"long_name": "bound on the change of the forecast, in all windows", "units": unit},
        ),
        "largest_attained": (
            dims,
            spread([one[1].max() for one in found], np.nan),
            {"long_name": "largest change of the forecast that was attained", "units": unit},
        ),
        "worst": (dims, spread(worst, -1), {"long_name": "window with the largest bound"}),
    }
    variables |= {
        name: (dims, spread(count, 0), {"long_name": f"windows that are {name}"})
        for name, count in counts.items()
    }
    every = certificates.verdict
    return variables, {
        "certified": len(certificates.places),
        "certified_of": len(case.x),
        "free": TOGETHER if certificates.together else ALONE,
        "whole": int(all(certificates.whole(rows.rows[place]) for place in rows.asked)),
        "questions": int(every.size),
        "questions_undecided": int((every == "undecided").sum()),
        "boxes": certificates.boxes,
        "range": certificates.range_text,
        "tolerance": certificates.tolerance,
        "tolerance_text": certificates.tolerance_text,
    }


def _count(verdicts: NDArray[np.str_], name: str) -> int:
    """Count the windows that a row has a verdict in, taking its questions together."""
    refuted = (verdicts == "refuted").any(axis=1)
    structural = (verdicts == "structural").all(axis=1)
    proven = np.isin(verdicts, ["proven", "structural"]).all(axis=1) & ~structural
    undecided = ~(refuted | structural | proven)
    together = {
        "refuted": refuted, "structural": structural, "proven": proven, "undecided": undecided
    }  # fmt: skip
    return int(together[name].sum())


def _with_windows(
    table: xr.Dataset, case: Case, rows: Rows, certificates: LagCertificates, unit: str
) -> xr.Dataset:
    """Add what was found in each window, by lag and by what was free."""
    places = certificates.places
    spans = _spans(rows, case.x.shape[1])
    parts = (certificates.bound, certificates.attained)
    grouped = [np.stack([p[:, a - 1 : b].max(axis=1) for a, b in spans], axis=1) for p in parts]
    dims: tuple[str, ...] = ("sample", "lag", "feature")
    if certificates.together:
        dims, grouped = dims[:2], [one[:, :, 0] for one in grouped]
    else:
        grouped = [_by_feature(one, certificates, len(case.features)) for one in grouped]
    texts = ("bound on the change of the forecast", "largest change that was attained")
    coords: dict[str, Any] = {"window": ("sample", places)}
    if "lag" not in table.coords:
        coords["lag"] = [a for a, _ in spans]
    if len(dims) == 3 and "feature" not in table.coords:
        coords["feature"] = list(case.features)
    if case.windows is not None:
        coords["time"] = ("sample", case.windows.times[places])
        coords["issued"] = ("sample", case.windows.issued[places])
    made = {
        name: (dims, values, {"long_name": text, "units": unit})
        for name, values, text in zip(("bound", "attained"), grouped, texts, strict=True)
    }
    return table.assign_coords(coords).assign(made)


def _spans(rows: Rows, steps: int) -> list[tuple[int, int]]:
    """Give the newest and oldest lag of each of the table's lags; single ones where it has none."""
    if rows.by == "feature":
        return [(lag, lag) for lag in range(1, steps + 1)]
    return list(dict.fromkeys(row.lags for row in rows.rows))


def _by_feature(
    values: NDArray[np.float64], certificates: LagCertificates, count: int
) -> NDArray[np.float64]:
    """Put columns in the places of their features; held ones have no number."""
    table = np.full((*values.shape[:2], count), np.nan)
    for column, (feature,) in enumerate(certificates.columns):
        table[:, :, feature] = values[:, :, column]
    return table


def _tested(rows: Rows, tests: LagTests, unit: str) -> tuple[Variables, dict[str, Any]]:
    found, looked = tests.equivalence, tests.horizon
    of_loss = unit if "squared" not in found.question else f"{unit}^2"
    texts = {
        "error_change": ("change of the loss when hidden", found.change, of_loss),
        "error_change_low": ("lower end of its interval", found.change_low, of_loss),
        "error_change_high": ("upper end of its interval", found.change_high, of_loss),
        "p_equivalent": ("p-value of the test of equivalence", found.p_equivalent, "1"),
        "p_used": ("p-value of the test of use", found.p_used, "1"),
        "left": ("share of its variance that the rest leaves", found.left, "1"),
    }
    variables: Variables = {
        name: (rows.dims, rows.spread(values, np.nan), {"long_name": text, "units": of})
        for name, (text, values, of) in texts.items()
    }
    variables["note"] = (rows.dims, rows.spread(found.note, ""), {"long_name": "to be known"})
    passed = looked.p_equivalent[looked.lag_from > looked.looks_back]
    facts = {
        "tested": tests.samples,
        "loss_unit": of_loss,
        "mean_loss": found.loss,
        "margin": found.margin,
        "margin_text": tests.margin_text,
        "question": found.question,
        "blind": int(found.question.startswith("how far")),
        "alpha": found.alpha,
        "interval": 1 - 2 * found.alpha,
        "correction": found.correction,
        "errors": found.errors,
        "sampler": found.sampler,
        "sampler_fit": tests.fit_text,
        "sampler_fits": -1 if tests.fit is None else int(tests.fit.fits.all()),
        "draws_per_window": found.draws,
        "looks_back": looked.looks_back,
        "looks_back_p": float(passed.max()) if len(passed) else 1.0,
        "steps": looked.steps,
        "horizon": looked.sentence,
    }
    return variables, facts


def _observed(rows: Rows, observed: Scenario, unit: str) -> tuple[Variables, dict[str, Any]]:
    of, spread = rows.dims, rows.spread
    texts = {
        "observed_largest": ("largest change that observed values made", np.nan, unit),
        "observed_exceeded": ("draws that moved the forecast beyond the tolerance", -1, "1"),
        "observed_share": ("limit of the share of all pairs that do", np.nan, "1"),
    }
    values = (np.abs(observed.largest), observed.exceeded, observed.share_limit)
    variables: Variables = {
        name: (of, spread(column, missing), {"long_name": text, "units": units})
        for (name, (text, missing, units)), column in zip(texts.items(), values, strict=True)
    }
    return variables, {
        "replacements": observed.draws,
        "replacements_all": int(observed.exhaustive),
        "replacements_confidence": observed.confidence,
        "observed_windows": observed.values,
    }


def _older(tests: LagTests, steps: int) -> Variables:
    """Give what hiding each lag and all older ones did, where it was tested."""
    found = tests.horizon
    change, p = np.full(steps, np.nan), np.full(steps, np.nan)
    change[found.lag_from - 1], p[found.lag_from - 1] = found.change, found.p_equivalent
    text = "hiding this lag and all older ones"
    return {
        "older_change": ("lag", change, {"long_name": f"change of the loss by {text}"}),
        "older_p": ("lag", p, {"long_name": f"p-value of the test of equivalence for {text}"}),
    }


def _with_moved(
    table: xr.Dataset,
    case: Case,
    rows: Rows,
    moved: tuple[NDArray[np.int64], NDArray[np.float64]],
    unit: str,
) -> xr.Dataset:
    """Add what plain runs did in windows all over the data, by the table's lags."""
    places, change = moved
    issued = places if case.windows is None else case.windows.issued[places]
    spans = _spans(rows, case.x.shape[1])
    if "lag" not in table.coords:
        table = table.assign_coords(lag=[a for a, _ in spans])
    values = np.stack([change[:, a - 1 : b].max(axis=1) for a, b in spans], axis=1)
    text = "largest change that one input at an end of its range made, in plain runs"
    made = {"moved": (("tried", "lag"), values, {"long_name": text, "units": unit})}
    return table.assign(made).assign_coords(
        tried_issued=("tried", issued, {"long_name": "newest step fed in"})
    )


def _verdicts(
    rows: Rows,
    case: Case,
    certificates: LagCertificates | None,
    tests: LagTests | None,
    observed: Scenario | None,
) -> NDArray[np.str_]:
    """Give the ladder's verdict of every row."""
    from rnnlens.evidence.structural import reaching

    of = case.inputs[case.of]
    reached = reaching(case.network, case.of, of.shape[1:]).reshape(case.x.shape[1:])
    said = []
    for number, place in enumerate(rows.asked):
        row = rows.rows[place]
        certified: dict[str, Any] = {}
        if certificates is not None:
            verdicts = certificates.of(row)[2]
            shown = _count(verdicts, "proven") + _count(verdicts, "structural")
            certified = {
                "whole": certificates.whole(row),
                "proven": shown,
                "refuted": _count(verdicts, "refuted"),
                "windows": len(verdicts),
            }
        if observed is not None:
            certified["exceeded"] = int(observed.exceeded[number])
        tested = "" if tests is None else str(tests.equivalence.verdict[number])
        hidden = rows.parts[number].hidden
        said.append(ladder(unreached=not (reached & hidden).any(), tested=tested, **certified))
    return rows.spread(said, HELD)
