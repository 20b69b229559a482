"""What verbs answered before they were made faster, they answer now."""

import numpy as np
import pytest

from stored_answers import STORED, VERBS, answer, made

#: Sums in another order round otherwise; a place among the data is one of ranks, and one rank of a
#: thousand may turn.
TOLERANCE, PLACES = 1e-8, 2e-3
RANKED = ("baseline_place", "mixed_place")
#: Figures of tests and checks, which are made in single precision where that loses at most a
#: thousandth of what they resolve, a hundredth: of distances, losses, p-values, numbers of windows.
SINGLE, RESOLVED = (
    1e-5,
    (
        *("deletion", "insertion", "comprehensiveness", "sufficiency", "infidelity"),
        *("error_change", "p_used", "p_equivalent", "resting_on", "older_", "looks_back_p"),
    ),
)
#: What a search ends with depends on where it looks first; what holds of both is tested instead.
BOUND, ATTAINED, SEARCHED = "bound", "attained", ("bound", "attained", "value", "boxes", "worst")


@pytest.fixture(scope="module")
def stored() -> dict[str, np.ndarray]:
    with np.load(STORED) as file:
        return dict(file)


@pytest.mark.parametrize("verb", VERBS)
def test_answers_are_those_that_were_stored(stored, verb):
    found = answer(verb, *made(stored))
    wanted = {name: one for name, one in stored.items() if name.startswith(f"{verb}/")}
    assert wanted.keys() <= found.keys()
    searched = {name for name in wanted if name.endswith(SEARCHED)}
    for name in searched:
        if name.endswith(BOUND):
            attained = name.removesuffix(BOUND) + ATTAINED
            assert (found[name] >= wanted[attained]).all()
            assert (wanted[name] >= found[attained]).all()
    for name in sorted(wanted.keys() - searched):
        one = wanted[name]
        ranked = name.endswith(RANKED)
        tolerance = PLACES if ranked else TOLERANCE
        if verb in {"trust", "lags"} and name.split("/")[1].startswith(RESOLVED):
            tolerance = SINGLE
        size = 1.0 if ranked or not np.isfinite(one).any() else np.nanmax(np.abs(one))
        np.testing.assert_allclose(
            found[name],
            one,
            rtol=0,
            atol=tolerance * max(float(size), 1.0),
            err_msg=name,
        )
