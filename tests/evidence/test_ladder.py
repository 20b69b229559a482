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
        ({"exceeded": 0, "tested": "used"}, "bounded"),
        ({"exceeded": 0, "whole": True, "proven": 5}, "proven"),
        ({"exceeded": 1, "tested": "equivalent"}, "equivalent"),
        ({"exceeded": 1}, "undecided"),
        ({"exceeded": 1, "moved": True}, "refuted"),
        ({"exceeded": 1, "moved": True, "tested": "used"}, "used"),
        ({"exceeded": 1, "moved": True, "tested": "equivalent"}, "equivalent"),
        ({"exceeded": 1, "moved": True, "whole": True, "proven": 5}, "proven"),
        ({}, "undecided"),
    ],
)
def test_the_first_rung_that_holds_is_the_verdict(evidence, verdict):
    assert ladder(**{"unreached": False, "windows": WINDOWS, **evidence}) == verdict


def test_no_certificates_prove_nothing():
    assert ladder(unreached=False, whole=True, proven=0, windows=0) == "undecided"


def test_irrelevance_is_never_said_without_a_positive_claim():
    tests, counts = ["", "used", "undecided"], [None, 0, 3]
    grid = product([False, True], range(WINDOWS + 1), range(2), tests, counts)
    for whole, proven, refuted, tested, exceeded in grid:
        said = ladder(
            unreached=False, whole=whole, proven=proven, refuted=refuted, windows=WINDOWS,
            tested=tested, exceeded=exceeded, moved=bool(exceeded),
        )  # fmt: skip
        assert (said in IRRELEVANT) == ((whole and proven == WINDOWS) or exceeded == 0)
        assert said in RUNGS
