"""The verdict is the first rung that holds, and no rung is reached without its own evidence."""

from itertools import product

import pytest

from rnnlens.evidence.ladder import IRRELEVANT, RUNGS, ladder

WINDOWS = 5


@pytest.mark.parametrize(
    ("evidence", "verdict"),
    [
        ({"unreached": True, "tested": "used", "refuted": 5}, "structural"),
        ({"whole": True, "proven": 5, "tested": "used"}, "proven"),
        ({"whole": True, "proven": 4, "refuted": 1, "tested": "equivalent"}, "equivalent"),
        ({"whole": True, "proven": 4, "refuted": 1, "tested": "used"}, "used"),
        ({"whole": True, "proven": 4, "refuted": 1, "tested": "undecided"}, "refuted"),
        ({"whole": True, "proven": 4, "tested": "undecided"}, "undecided"),
        ({"whole": False, "proven": 5, "tested": "undecided"}, "undecided"),
        ({"whole": False, "proven": 5, "tested": "equivalent"}, "equivalent"),
        ({}, "undecided"),
    ],
)
def test_the_first_rung_that_holds_is_the_verdict(evidence, verdict):
    assert ladder(**{"unreached": False, "windows": WINDOWS, **evidence}) == verdict


def test_no_certificates_prove_nothing():
    assert ladder(unreached=False, whole=True, proven=0, windows=0) == "undecided"


def test_irrelevance_is_never_said_without_a_positive_claim():
    grid = product([False, True], range(WINDOWS + 1), range(2), ["", "used", "undecided"])
    for whole, proven, refuted, tested in grid:
        said = ladder(
            unreached=False, whole=whole, proven=proven, refuted=refuted, windows=WINDOWS,
            tested=tested,
        )  # fmt: skip
        assert (said in IRRELEVANT) == (whole and proven == WINDOWS)
        assert said in RUNGS
