"""What a probe's sentences claim, and what they leave unsaid."""

import numpy as np
import pytest

from probed import CONTROLS, found
from rnnlens.cli.output import as_json
from rnnlens.views.charts import probe as probe_chart
from rnnlens.views.tables.inside.probe import probe_rows, probe_summary, probe_view, unit_rows
from rnnlens.views.words.inside.probe import probe_sentences


@pytest.mark.parametrize(
    ("changed", "said", "unsaid"),
    [
        ({}, "so it holds the concept beyond every control", "better"),
        ({"p_value": 0.2}, "but series moved in time are read as well (p = 0.2)", "beyond every"),
        ({"selectivity_low": -0.1}, "not shown to hold more than its controls", "beyond every"),
        ({"selectivity": -0.2, "selectivity_low": -0.3, "selectivity_high": -0.1},
         "so an untrained network tells it better", "beyond every"),
        ({"r2": -0.3}, "the concept cannot be read off it", "beyond every"),
        ({}, "the forecast uses it, and one more of the concept", "not shown to be used"),
        ({"erased_p_value": 0.2}, "(p = 0.2): it is held, but not shown to be used", "uses it"),
        ({"erased_p_value": 0.2, "selectivity_low": -0.1}, "(p = 0.2): not shown to be used",
         "it is held"),
        ({"erased_change": 1e-9}, "moves by nothing: the forecast does not use it", "uses it"),
        ({"pushed_change": [], "erased_p_value": np.nan}, "no other direction to compare", "uses"),
        ({}, "8 steps (8 d) (median), unit 1 longest: 12 steps (12 d)", "better"),
    ],
)  # fmt: skip
def test_a_sentence_claims_what_was_shown_and_no_more(changed, said, unsaid):
    text = " ".join(probe_sentences(found(**changed)))
    assert said in text and unsaid not in text, text


def test_table_and_json_hold_every_state_and_unit():
    tree = found()
    row = probe_rows(tree)[0]
    assert (row["best_control"], row["best_control_r2"]) == ("untrained", 0.7)
    assert row["pushed_change"] == 1.0 and row["used"] and row["held_beyond_controls"]
    assert row["controls"] == dict(zip(CONTROLS, [0.7, 0.4, -0.1], strict=True))
    assert [unit["residence_time"] for unit in unit_rows(tree)] == [4.0, 12.0]
    assert as_json(probe_summary(found(erased_p_value=np.nan)))
    assert probe_view(tree)


def test_chart_draws_the_state_beside_its_controls_and_the_interval():
    above, below = probe_chart(found()).to_dict()["vconcat"]
    data = probe_chart(found()).to_dict()["datasets"].values()
    bars = next(rows for rows in data if "what" in rows[0])
    assert [row["what"] for row in bars] == ["trained network", *CONTROLS]
    # what reads worse than the mean is drawn as nothing, its number kept for who points at it
    assert bars[-1]["shown"] == 0 and bars[-1]["r2"] == -0.1
    assert "selectivity" in str(below) and "R2" in str(above)
