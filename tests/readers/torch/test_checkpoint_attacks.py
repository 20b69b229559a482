"""Whatever a checkpoint holds, nothing in it is imported or called, in any container."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import audited_checkpoints
import rnnlens
from processes import python

MAKERS = Path(audited_checkpoints.__file__).parent
#: Mutations here, each in three containers; fuzz/mutate.py reads as many as it is told.
MUTATIONS = 100


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    return audited(tmp_path_factory.mktemp("attacks"), MUTATIONS)


def audited(*arguments):
    places = f"{MAKERS}:{Path(rnnlens.__file__).parents[1]}"
    run = python(audited_checkpoints.__file__, *map(str, arguments), PYTHONPATH=places)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_nothing_is_imported_run_or_opened_by_any_attack_or_mutation(told):
    assert len(told["outcomes"]) > 3 * MUTATIONS + 100
    assert told["events"] == []
    assert told["modules"] == []


def test_every_answer_is_a_network_or_one_sentence_of_ours(told):
    allowed = ("UnreadableFile: ", "UnsupportedModel: ", "read")
    said = {name: outcome for name, (outcome, _) in told["outcomes"].items()}
    assert {name: one for name, one in said.items() if not one.startswith(allowed)} == {}
    assert all("\n" not in one and len(one) < 900 for one in said.values())
    assert max(seconds for _, seconds in told["outcomes"].values()) < 10
    assert sum(one == "read" for one in said.values()) > 20  # objects among weights are passed by
    assert {one for name, one in said.items() if name.startswith("sound")} == {"read"}


def test_the_audit_hears_what_python_does_with_the_same_pickles(tmp_path):
    heard = audited(tmp_path, 0, "pickle")["events"]
    assert len([event for event in heard if event.startswith("pickle.find_class")]) > 10
