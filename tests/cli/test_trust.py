"""``rnnlens trust``: one page in the terminal, the same as JSON, and its refusals."""

import json

import pytest

from rnnlens.views.words.trust import VERDICTS


def test_the_page_has_a_verdict_for_every_check(call, model, data):
    said = call("trust", model, data, "--target", "temp", "--windows", "12")
    assert said.code == 0
    for check in ("deletion", "infidelity", "randomised weights", "agreement", "spread over steps"):
        assert check in said.out
    assert "Over 12 windows" in said.out and "by secant" in said.out


def test_json_has_every_figure_and_sentence_and_nothing_else_on_stdout(call, model, data, tmp_path):
    path = tmp_path / "page.json"
    asked = ("--target", "temp", "--windows", "8", "--method", "occlusion", "--baseline", "zero")
    said = call("trust", model, data, *asked, "--json", "--out", path)
    found = json.loads(said.out)
    assert found == json.loads(path.read_text(encoding="utf-8"))
    assert found["method"] == "occlusion" and found["target"] == "temp" and found["unit"] == "F"
    assert found["baseline"].startswith("zero") and found["samples"] == 8
    assert {"infidelity", "comprehensiveness", "sensitivity", "rmse"} <= set(found["figures"])
    assert {each["verdict"] for each in found["findings"]} <= set(VERDICTS)
    assert len(found["shares"]) == 24 and len(found["findings"]) == 10


@pytest.mark.parametrize("suffix", ["csv", "nc"])
def test_the_page_goes_to_files_too(call, model, data, tmp_path, suffix):
    path = tmp_path / f"page.{suffix}"
    assert call("trust", model, data, "--target", "temp", "--windows", "5", "--out", path).code == 0
    assert path.stat().st_size > 1000


def test_an_unknown_target_gets_one_sentence_and_a_wrong_method_is_a_wrong_command(
    call, model, data
):
    said = call("trust", model, data, "--target", "snow")
    assert (said.code, said.out) == (1, "")
    assert "no target is called 'snow'" in said.err and "Traceback" not in said.err
    assert call("trust", model, data, "--target", "temp", "--method", "lime").code == 2
