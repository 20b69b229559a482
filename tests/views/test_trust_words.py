"""Every figure of a page of checks in words, by the stated rules, at and beside their limits."""

from __future__ import annotations

import json
from io import StringIO

import numpy as np
import pytest
import xarray as xr
from rich.console import Console

from rnnlens.views.tables.trust import trust_summary, trust_view
from rnnlens.views.words.trust import VERDICTS, trust_findings, trust_sentences

METHODS = ["secant", "tree", "gradient_times_input", "occlusion"]
NUMBERS = {
    "deletion_area": 0.78,
    "deletion_area_random": 0.43,
    "deletion_gain": 0.35,
    "deletion_gain_error": 0.03,
    "insertion_area": 0.12,
    "insertion_area_random": 0.43,
    "insertion_gain": 0.31,
    "insertion_gain_error": 0.02,
    "comprehensiveness": 0.72,
    "comprehensiveness_random": 0.17,
    "sufficiency": 0.18,
    "sufficiency_random": 0.68,
    "top": 5,
    "infidelity": 0.05,
    "infidelity_scale": 0.99,
    "infidelity_scaled": 0.049,
    "sensitivity": 0.02,
    "forecast_sensitivity": 0.006,
    "noise": 0.02,
    "tree_gap": 0.06,
    "audited": 16,
    "newest_share": 0.25,
    "oldest_share": 0.003,
    "newest_occlusion": 0.26,
    "oldest_occlusion": 0.003,
    "rmse": 4.1,
    "rmse_baseline": 18.0,
}
ATTRS = {
    "method": "secant",
    "target": "temp",
    "unit": "F",
    "baseline": "mean (of 64 explained windows)",
    "samples": 64,
    "crowded": "",
    "mean_of": "the background",
    "season_of": "day",
}
#: Errors of the forecast, persistence, the mean, the day before and a linear fit.
ERRORS, BETTER = (3.4, 5.1, 11.8, 5.6, 3.0), (np.nan, 5.1, 7.5, 6.6, -2.0)
UNKNOWN = (np.nan,) * 5


def page(
    attrs=(),
    agreement=(0.99, 0.85, 0.9),
    randomised=(0.3, -0.14),
    error=ERRORS,
    better=BETTER,
    **changed,
):
    table = np.eye(4)
    table[0, 1:] = table[1:, 0] = agreement
    curve = ("removed", [0.0, 0.5, 0.9])
    return xr.Dataset(
        {
            "error": ("reference", list(error)),
            "better": ("reference", list(better)),
            "deletion": curve,
            "deletion_random": curve,
            "insertion": curve,
            "insertion_random": curve,
            "agreement": (("by_method", "other_method"), table),
            "randomised": ("layer", list(randomised)),
            "randomised_size": ("layer", [0.8, 0.71]),
            "share": ("lag", [0.25, 0.7, 0.05]),
            **{name: ((), value) for name, value in {**NUMBERS, **changed}.items()},
        },
        coords={
            "reference": ["forecast", "persistence", "mean", "season", "linear"],
            "removed": [0, 1, 3],
            "by_method": METHODS,
            "other_method": METHODS,
            "layer": ["dense", "lstm"],
            "lag": [1, 2, 3],
        },
        attrs={**ATTRS, **dict(attrs)},
    )


def finding(check, **changed):
    (found,) = [each for each in trust_findings(page(**changed)) if each.check == check]
    assert found.verdict in VERDICTS
    return found


def test_a_page_where_all_is_well_says_so_in_whole_sentences():
    findings = trust_findings(page())
    assert [each.verdict for each in findings] == ["holds"] * 10
    for sentence in trust_sentences(page()):
        assert sentence[0].isupper() and sentence.endswith(".") and "nan" not in sentence
    assert (
        "Without the 5 most important lags the forecast moves by 72 % of what hiding everything "
        "does as a rule (17 % at random), and with them alone it is still 18 % away (68 % at "
        "random)."
    ) in trust_sentences(page())


RULES = [
    ("deletion", {"deletion_gain": 0.061}, "holds", "finds what the forecast rests on"),
    ("deletion", {"deletion_gain": 0.059}, "in part", "cannot be told from a random one"),
    ("deletion", {"deletion_gain": -0.061}, "fails", "worse than a random one"),
    ("deletion", {"deletion_gain_error": np.nan}, "not known", "one window is too few"),
    ("insertion", {"insertion_gain": -0.041}, "fails", "smaller is better"),
    (
        "comprehensiveness, sufficiency",
        {"sufficiency": 0.69, "top": 1},
        "in part",
        "Without the most important lag the forecast moves by 72 %",
    ),
    (
        "comprehensiveness, sufficiency",
        {"sufficiency": 0.69, "comprehensiveness": 0.1},
        "fails",
        "with them alone it is still 69 % away",
    ),
    ("infidelity", {"infidelity": 0.11}, "in part", "misses what hiding them does by 11 %."),
    ("infidelity", {"infidelity": 0.31}, "fails", "by 31 %"),
    ("infidelity", {"infidelity": np.nan}, "not known", "changes no forecast"),
    (
        "infidelity",
        {"infidelity": 1.0, "infidelity_scale": 0.5},
        "fails",
        "too large: times 0.5 they would miss it by 4.9 %",
    ),
    ("infidelity", {"infidelity_scale": 1.3}, "holds", "too small: times 1.3"),
    ("sensitivity to noise", {"sensitivity": 0.2}, "in part", "by 20 % of their size at worst"),
    ("sensitivity to noise", {"sensitivity": 0.6}, "fails", "its forecast by 0.6 % of"),
    ("sensitivity to noise", {"sensitivity": np.nan}, "not known", "holds tokens"),
    ("randomised weights", {"randomised": (0.9, 0.4)}, "in part", "a part of them does not come"),
    ("randomised weights", {"randomised": (0.1, 0.9)}, "fails", "say little of what was learned"),
    ("randomised weights", {"randomised": (0.1, -0.9)}, "fails", "correlation of -0.90"),
    ("randomised weights", {"randomised": (0.1, np.nan)}, "not known", "could not be compared"),
    ("agreement", {"agreement": (0.99, 0.6, 0.9)}, "in part", "gradient x input 0.60"),
    ("agreement", {"agreement": (0.99, 0.9, 0.2)}, "fails", "occlusion 0.20"),
    ("agreement", {"agreement": (0.95, np.nan, 0.9)}, "holds", "tree 0.95, occlusion 0.90."),
    ("agreement", {"agreement": (np.nan,) * 3}, "not known", "Too few lags differ"),
    ("secant against the tree", {"tree_gap": 0.4, "audited": 1}, "fails", "by 40 % of their size"),
    ("secant against the tree", {"tree_gap": np.nan}, "not known", "nothing to compare with"),
    (
        "spread over steps",
        {"attrs": {"crowded": "newest"}, "newest_share": 0.97, "newest_occlusion": 0.95},
        "in part",
        "it is the network that looks there",
    ),
    (
        "spread over steps",
        {"attrs": {"crowded": "oldest"}, "oldest_share": 0.97, "oldest_occlusion": 0.4},
        "fails",
        "97 %, falls on the oldest step; occlusion gives it only 40 %",
    ),
    ("spread over steps", {"newest_share": np.nan}, "not known", "Nothing contributes"),
    (
        "the forecast itself",
        {},
        "holds",
        "3.4 F against 5.1 F for persistence",
    ),
    (
        "the forecast itself",
        {"better": (np.nan, 5.1, 7.5, -6.6, 0.0)},
        "in part",
        "not shown to be better than all of them",
    ),
    ("the forecast itself", {"better": (np.nan, 2.4, 7.5, 6.6, 0.0)}, "in part", "5.1 F for pers"),
    (
        "the forecast itself",
        {"better": (np.nan, -9.0, 7.5, 6.6, 0.0)},
        "fails",
        "what is explained is worse than persistence.",
    ),
    (
        "the forecast itself",
        {"attrs": (("caution", "CAUTION: with lead 6 it would be 3"),)},
        "fails",
        "beyond noise; CAUTION: with lead 6 it would be 3.",
    ),
    ("the forecast itself", {"error": UNKNOWN, "better": UNKNOWN}, "not known", "was not judged"),
]


@pytest.mark.parametrize(("check", "changed", "verdict", "words"), RULES)
def test_each_rule_gives_its_verdict_and_its_words(check, changed, verdict, words):
    found = finding(check, **changed)
    assert found.verdict == verdict
    assert words in found.sentence


def test_the_table_shows_every_check_with_its_verdict_at_any_width():
    text = StringIO()
    Console(file=text, width=72).print(trust_view(page()), highlight=False, markup=False)
    shown = " ".join(text.getvalue().split())
    assert "Checks of the contributions to temp (F), by secant" in shown
    assert shown.count("holds") == 10
    for check in ("deletion", "infidelity", "randomised weights", "spread over steps"):
        assert check in shown
    assert "Over 64 windows, against the baseline mean (of 64 explained windows)." in shown
    assert max(map(len, text.getvalue().splitlines())) <= 72


def test_the_summary_is_json_with_every_number_and_sentence():
    made = page(rmse=np.nan)
    plain = json.loads(json.dumps(trust_summary(made), allow_nan=False))
    assert plain["figures"]["rmse"] is None and plain["figures"]["infidelity"] == 0.05
    assert plain["curves"]["lags"] == [0, 1, 3] and plain["curves"]["deletion"] == [0.0, 0.5, 0.9]
    assert plain["agreement"]["secant"]["occlusion"] == 0.9
    assert plain["randomised"] == {"dense": 0.3, "lstm": -0.14}
    assert [each["sentence"] for each in plain["findings"]] == list(trust_sentences(made))
    assert set(plain["figures"]) == set(NUMBERS)
