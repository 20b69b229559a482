"""The ladder of evidence on a lag, a feature, or a feature at a lag: one verdict for each.

From the top, the first rung that holds:

``structural``  the wiring, or zero weights, keep it from the forecast
``proven``      in every window tried, a certificate of the whole of it holds the forecast's change
                within the tolerance
``bounded``     in random draws in which observed values replace it, no forecast moved by more than
                the tolerance: a scenario bound on the share of those that do
``equivalent``  over the data set, replacing it changes the loss by less than the margin
``used``        over the data set, replacing it makes the loss larger
``refuted``     in some window a value within the range, or one that was observed elsewhere, moves
                the forecast by more than the tolerance, and the test over the data set says neither
``undecided``   none of these

The first four say that it is irrelevant, each in its own sense. They are positive claims: a test
or a certificate that failed to show something never makes one. Of what never changes in the data,
draws say nothing: there the verdict rests on weights and certificates alone.
"""

from __future__ import annotations

__all__ = ["CONSTANT", "IRRELEVANT", "NOT_WIRED", "RUNGS", "ladder"]

#: What the verdict on something stands on that never changes in the data, and is not structural.
CONSTANT = "no evidence: constant"

#: What the verdict stands on where nothing leads from there to the forecast, whatever the weights.
NOT_WIRED = "not wired"

#: What each verdict stands on.
RUNGS = {
    "structural": "zero weights",
    "proven": "certificates",
    "bounded": "draws of observed values",
    "equivalent": "test over the data set",
    "used": "test over the data set",
    "refuted": "counter-example",
    "undecided": "nothing",
}
#: The verdicts that say that something does not matter.
IRRELEVANT = ("structural", "proven", "bounded", "equivalent")


def ladder(
    *,
    unreached: bool,
    whole: bool = False,
    proven: int = 0,
    refuted: int = 0,
    windows: int = 0,
    exceeded: int | None = None,
    moved: bool = False,
    tested: str = "",
) -> str:
    """Give the verdict that follows from all evidence on one part of the windows.

    ``exceeded`` counts draws of observed values beyond the tolerance, ``moved`` says that one lies
    beyond it by more than rounding.

    Examples
    --------
    >>> ladder(unreached=False, whole=True, proven=20, windows=20, tested="used")
    'proven'
    >>> ladder(unreached=False, whole=False, proven=20, windows=20, tested="undecided")
    'undecided'
    """
    if unreached:
        return "structural"
    if whole and windows and proven == windows:
        return "proven"
    if exceeded == 0:
        return "bounded"
    if tested in {"equivalent", "used"}:
        return tested
    return "refuted" if refuted or moved else "undecided"
