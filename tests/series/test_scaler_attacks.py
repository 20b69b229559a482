"""Whatever a scaler's file holds, nothing in it is imported or called, and one sentence says so."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import audited_pickles
from pickle_attacks import attacks
from processes import python

MAKERS = Path(audited_pickles.__file__).parent
#: Mutations here; benchmarks/scaler_attacks.py reads ten thousand.
MUTATIONS = 300


@cache
def audited(*arguments):
    run = python(audited_pickles.__file__, *map(str, arguments), PYTHONPATH=path())
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def path():
    import rnnlens

    return f"{MAKERS}:{Path(rnnlens.__file__).parents[1]}"


def test_nothing_is_imported_or_run_by_any_attack_or_mutation():
    told = audited(MUTATIONS)
    assert len(told["outcomes"]) == MUTATIONS + len(attacks()) and len(attacks()) > 30
    assert told["events"] == []
    assert told["modules"] == []


def test_every_attack_is_refused_in_one_sentence_of_ours():
    outcomes = audited(MUTATIONS)["outcomes"]
    assert [
        name for name in attacks() if not outcomes[name][0].startswith("UnreadableFile: ")
    ] == []
    allowed = ("UnreadableFile: ", "read")
    assert [said for said, _ in outcomes.values() if not said.startswith(allowed)] == []
    assert all("\n" not in said and len(said) < 600 for said, _ in outcomes.values())


def test_the_audit_hears_what_python_does_with_the_same_files():
    """The test above can fail: Python's own unpickler imports and calls, and is heard."""
    told = audited(0, "pickle")
    heard = [event for event in told["events"] if event.startswith("pickle.find_class")]
    assert len(heard) > 10
    assert "reduce of a function" in told["outcomes"]
    assert told["outcomes"]["reduce of a function"][0] == "read"
