"""All evidence on each lag, labelled: names, units, and what the attributes say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnlens.api.shared.labels.lag_shares import row_variables
from rnnlens.evidence.proof.limits import BUDGET
from rnnlens.evidence.table.certificates import certified_rows
from rnnlens.evidence.table.observed import observed_rows
from rnnlens.evidence.table.tests import older_lags, tested_rows
from rnnlens.names import clauses, told
from rnnlens.results.attributes import attributes

if TYPE_CHECKING:
    import xarray as xr

    from rnnlens.api.shared.given.case import Case
    from rnnlens.evidence.options import Certificates
    from rnnlens.evidence.proof.tolerance import Tolerance
    from rnnlens.evidence.statistics.scenario import Scenario
    from rnnlens.evidence.table.assembly import LagTable
    from rnnlens.evidence.table.certificates import LagCertificates
    from rnnlens.evidence.table.plain_runs import PlainRuns
    from rnnlens.evidence.table.rows import Rows
    from rnnlens.evidence.table.tests import LagTests

__all__ = ["labelled_table"]

#: What the attributes of a result say, by their names.
Facts = dict[str, str | int | float]
#: What was free in a certificate, in words.
ALONE = told("one feature of one lag at a time")
TOGETHER = told("all features of one lag that are not held, together")


def labelled_table(
    shares: xr.Dataset,
    case: Case,
    made: LagTable,
    certificates: Certificates,
    tolerance: Tolerance,
) -> xr.Dataset:
    """Add certificates, tests and verdicts to a labelled table of shares."""
    rows, unit = made.rows, str(shares.attrs["unit"] or "network units")
    attrs: Facts = {
        "kind": "evidence on lags",
        "budget": certificates.boxes or BUDGET,
        "deviation": certificates.deviation,
        "missing": clauses(made.missing),
        "tolerance": tolerance.value,
        "tolerance_text": tolerance.text,
    }
    table = shares
    if made.certificates is not None:
        table = _with_certificates(table, case, rows, made.certificates, unit)
        attrs |= _about_certificates(case, rows, made.certificates)
    if made.tests is not None:
        squared = made.tests.loss == "squared" and unit != "-"
        of_loss = f"{unit}^2" if squared else unit
        table = _with_tests(table, rows, made.tests, of_loss)
        attrs |= _about_tests(made.tests, of_loss)
    if made.observed is not None:
        table = _with_observed(table, rows, made.observed, unit)
        attrs |= _about_observed(made.observed)
    if made.plain_runs is not None:
        table = _with_moved(table, case, rows, made.plain_runs, unit)
    table = table.assign(_columns(made, rows, unit))
    return table.assign_attrs(attributes(attrs))


def _columns(piece: object, rows: Rows, unit: str) -> dict[str, xr.Variable]:
    return row_variables(piece, rows.dims, rows.shape, unit)


def _with_certificates(
    table: xr.Dataset, case: Case, rows: Rows, certificates: LagCertificates, unit: str
) -> xr.Dataset:
    """Add what certificates say of each row, and of each window by lag and by what was free."""
    table = table.assign(_columns(certified_rows(rows, certificates), rows, unit))
    places = certificates.places
    grouped = [rows.by_span(one) for one in (certificates.bound, certificates.attained)]
    dims: tuple[str, ...] = ("sample", "lag", "feature")
    if certificates.together:
        dims, grouped = dims[:2], [one[:, :, 0] for one in grouped]
    else:
        grouped = [certificates.by_feature(one, len(rows.features)) for one in grouped]
    coords: dict[str, object] = {"window": ("sample", places)}
    if "lag" not in table.coords:
        coords["lag"] = [span.first for span in rows.spans]
    if len(dims) == 3 and "feature" not in table.coords:
        coords["feature"] = list(rows.features)
    for name, (dim, moments, *rest) in case.sample_coords(str(table.attrs["target"])).items():
        coords[name] = (dim, moments[places], *rest)
    texts = ("bound on the change of the forecast", "largest change that was attained")
    by_window = {
        name: (dims, values, {"long_name": text, "units": unit})
        for name, values, text in zip(("bound", "attained"), grouped, texts, strict=True)
    }
    return table.assign_coords(coords).assign(by_window)


def _about_certificates(case: Case, rows: Rows, certificates: LagCertificates) -> Facts:
    every = certificates.verdict
    return {
        "certified": len(certificates.places),
        "certified_of": len(case.x),
        "free": TOGETHER if certificates.together else ALONE,
        "whole": int(
            all(certificates.of(row).whole for row in rows.asked if certificates.frees(row))
        ),
        "questions": int(every.size),
        "questions_undecided": int((every == "undecided").sum()),
        "questions_undecided_in_refuted_rows": certificates.undecided_in_refuted_rows(rows),
        "questions_not_asked": int((every == "not asked").sum()),
        "certificates_ended": certificates.ended,
        **certificates.time,
        "boxes": certificates.boxes,
        "range": certificates.range_text,
    }


def _with_tests(table: xr.Dataset, rows: Rows, tests: LagTests, unit: str) -> xr.Dataset:
    """Add what the tests say of each row, and of all older lags together."""
    columns = _columns(tested_rows(rows, tests), rows, unit)
    # the table's own name of that column, which files hold
    table = table.assign({
        "left" if name == "variance_left" else name: values for name, values in columns.items()
    })
    older = older_lags(rows, tests)
    return table if older is None else table.assign(_columns(older, rows, unit))


def _about_tests(tests: LagTests, unit: str) -> Facts:
    of_rows, of_lags = tests.equivalence, tests.horizon
    passed = of_lags.p_equivalent[of_lags.lag_from > of_lags.looks_back]
    fit = tests.sampler.fit
    return {
        "tested": tests.samples,
        "tested_of": tests.samples_of,
        "tests_precision": "float32" if tests.single else "float64",
        "loss": tests.loss,
        "loss_unit": unit,
        "mean_loss": of_rows.loss,
        "margin": of_rows.margin,
        "margin_text": tests.margin_text,
        "question": of_rows.question,
        "blind": int(of_rows.blind),
        "alpha": of_rows.alpha,
        "interval": 1 - 2 * of_rows.alpha,
        "correction": of_rows.correction,
        "errors": of_rows.errors,
        "sampler": of_rows.sampler,
        "sampler_fit": tests.sampler.text,
        "sampler_fits": -1 if fit is None else int(fit.fits.all()),
        "draws_per_window": of_rows.draws,
        "looks_back": of_lags.looks_back,
        "looks_back_stopped": of_lags.stopped_by,
        "looks_back_p": float(passed.max()) if len(passed) else 1.0,
        "steps": of_lags.steps,
        "horizon": of_lags.sentence,
    }


def _with_observed(table: xr.Dataset, rows: Rows, observed: Scenario, unit: str) -> xr.Dataset:
    """Add what draws of observed values say of each row."""
    return table.assign(_columns(observed_rows(rows, observed), rows, unit))


def _about_observed(observed: Scenario) -> Facts:
    return {
        "replacements": observed.draws,
        "replacements_precision": "float32" if observed.single else "float64",
        "replacements_all": int(observed.exhaustive),
        "replacements_confidence": observed.confidence,
        "observed_windows": observed.values,
    }


def _with_moved(
    table: xr.Dataset, case: Case, rows: Rows, runs: PlainRuns, unit: str
) -> xr.Dataset:
    """Add what plain runs did in windows all over the data, by the table's lags."""
    issued = runs.places if case.windows is None else case.windows.issued[runs.places]
    if "lag" not in table.coords:
        table = table.assign_coords(lag=[span.first for span in rows.spans])
    moved = table.assign(_columns(runs, rows, unit))
    about = {"long_name": "newest step fed in"}
    if case.windows is not None and case.windows.time_zone is not None:
        about["time_zone"] = case.windows.time_zone
    return moved.assign_coords(tried_issued=("tried", issued, about))
