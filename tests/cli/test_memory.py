"""The command ``memory`` prints every measure in steps and hours, and gives them as JSON."""

import json


def test_memory_prints_each_measure_and_gives_it_as_json(call, model, data, tmp_path):
    said = call("memory", model, data, "--last", "48", "--histories", "6")
    assert said.code == 0, said.err
    assert "gate half-lives" in said.out and " h)" in said.out
    out = tmp_path / "memory.csv"
    given = call("memory", model, data, "--last", "48", "--histories", "6", "--json", "--out", out)
    page = json.loads(given.out)
    assert {row["measure"] for row in page["measures"]} >= {"gates", "derivative", "any history"}
    assert page["histories"] == 6 and page["step"] == "1h"
    assert len(page["summary"]) >= 6 and len(page["units"]) == 32
    text = out.read_text(encoding="utf-8")
    assert "half_life" in text and "bound" in text


def test_memory_refuses_too_few_windows_for_blocks_in_a_sentence(call, model, data):
    said = call("memory", model, data, "--last", "48", "--block", "10")
    assert said.code == 1
    assert said.err.count("\n") <= 3 and "48 windows make 4 blocks of 10" in said.err
