"""``rnnlens check``: the line, the table, the same as JSON, and the caution."""

import json


def test_the_answer_has_the_line_a_table_and_the_inputs(call, model, data):
    said = call("check", model, data, "--target", "temp")
    assert said.code == 0
    for text in ("Is it a forecast of temp?", "MAE", "persistence", "beyond 5", "saturated"):
        assert text in said.out
    assert max(map(len, said.out.splitlines())) <= 100


def test_json_has_every_figure(call, model, data):
    found = json.loads(call("check", model, data, "--target", "temp", "--json").out)
    assert found["kind"] == "forecast check" and found["verdict"] in {"better", "no better"}
    assert found["caution"] == "" and found["remedies"] == []
    assert set(found["error"]) == {"forecast", "persistence", "mean", "season", "linear"}
    assert [one["feature"] for one in found["inputs"]][:2] == ["temp", "dewp"]
    assert 0 <= found["saturated"]["lstm"] <= 1


def test_windows_without_actuals_are_answered_too(call, model, data):
    said = call("check", model, data, "--target", "temp", "--last", "1", "--json")
    assert said.code == 0 and json.loads(said.out)["kind"] == "forecast check"


def test_the_page_goes_to_a_file(call, model, data, tmp_path):
    for suffix in ("csv", "nc", "json"):
        path = tmp_path / f"page.{suffix}"
        assert call("check", model, data, "--target", "temp", "--out", path).code == 0
        assert path.stat().st_size > 300
