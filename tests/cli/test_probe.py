"""The command ``probe`` takes its concept from a column, another table or an array."""

import json

import numpy as np
import pandas as pd
import pytest

QUICK = ("--draws", "1", "--shifts", "9", "--gap", "6", "--state", "cell")


@pytest.fixture
def beside(data, tmp_path):
    """A table whose times are those of the data, with a column that the network does not take."""
    table = pd.read_csv(data)
    soil = np.sin(np.arange(len(table)) / 7.0)
    return table, soil


def test_probe_prints_every_state_and_gives_it_as_json(call, model, data, tmp_path):
    said = call("probe", model, data, "--concept", "temp", *QUICK)
    assert said.code == 0, said.err
    assert "selectivity" in said.out and "lstm cell" in said.out and " h)" in said.out
    out = tmp_path / "probe.csv"
    given = call("probe", model, data, "--concept", "temp", *QUICK, "--json", "--out", out)
    page = json.loads(given.out)
    assert [row["state"] for row in page["states"]] == ["cell"] and len(page["units"]) == 32
    assert "selectivity" in out.read_text(encoding="utf-8")


def test_concepts_from_a_column_another_table_and_an_array_are_one(
    call, model, data, beside, tmp_path
):
    table, soil = beside
    wide, other = tmp_path / "wide.csv", tmp_path / "soil.csv"
    table.assign(soil=soil).to_csv(wide, index=False)
    table[["time"]].assign(soil=soil).to_csv(other, index=False)
    every = [
        call("probe", model, wide, "--concept", "soil", *QUICK, "--json"),
        call("probe", model, data, "--concept", f"{other}:soil", *QUICK, "--json"),
    ]
    assert all(said.code == 0 for said in every), [said.err for said in every]
    first = json.loads(every[0].out)
    rows = [json.loads(said.out)["states"] for said in every]
    assert rows[0] == rows[1] and first["samples"] == 97
    # the newest step of the first window is row 23
    np.save(tmp_path / "soil.npy", soil[23 : 23 + first["samples"]])
    array = call("probe", model, data, "--concept", tmp_path / "soil.npy", *QUICK, "--json")
    assert json.loads(array.out)["states"] == rows[0]
    steps = call("probe", model, wide, "--concept", "soil", "--every-step", *QUICK, "--json")
    assert json.loads(steps.out)["states"] != rows[0]


def test_windows_that_lack_the_concept_are_left_out_and_said(call, model, beside, tmp_path):
    table, soil = beside
    soil[60] = np.nan
    holed = tmp_path / "holed.csv"
    table.assign(soil=soil).to_csv(holed, index=False)
    said = call("probe", model, holed, "--concept", "soil", *QUICK, "--gap", "0", "--json")
    assert said.code == 0 and "windows lack soil: left out" in said.err
    soil[:] = np.nan
    table.assign(soil=soil).to_csv(holed, index=False)
    none = call("probe", model, holed, "--concept", "soil", *QUICK)
    assert none.code == 1 and none.err.count("rnnlens:") == 1


def test_a_concept_that_is_not_there_is_refused_in_a_sentence(call, model, data, tmp_path):
    unknown = call("probe", model, data, "--concept", "soil", *QUICK)
    assert unknown.code == 1 and "soil" in unknown.err
    assert call("probe", model, data, "--concept", " ", *QUICK).code == 2
    np.save(tmp_path / "texts.npy", np.array(["a", "b"]))
    texts = call("probe", model, data, "--concept", tmp_path / "texts.npy", *QUICK)
    assert texts.code == 1 and "holds no numbers" in texts.err
    np.save(tmp_path / "windows.npy", np.zeros((40, 24, 10)))
    model.with_suffix(".toml").unlink()
    bare = call("probe", model, tmp_path / "windows.npy", "--concept", "temp", *QUICK)
    assert bare.code == 1 and "give an .npy file with one number a window" in bare.err
    np.save(tmp_path / "each.npy", np.zeros(41))
    length = call(
        "probe",
        model,
        tmp_path / "windows.npy",
        "--concept",
        tmp_path / "each.npy",
        "--target",
        "output 0",
        *QUICK,
    )
    assert length.code == 1 and "one number for each of 40 windows" in length.err
