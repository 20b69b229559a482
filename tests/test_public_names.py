"""One public door: what `rnnlens` names is there, sorted and documented."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import re
from collections.abc import Mapping
from typing import Any

import pytest

import rnnlens

VERBS = [
    "bifurcations",
    "certify",
    "check",
    "compare_baselines",
    "compare_weights",
    "convert",
    "describe",
    "explain",
    "explain_archive",
    "explainer",
    "fidelity",
    "fixed_points",
    "gate_contributions",
    "gate_effects",
    "identify",
    "init",
    "interactions",
    "intervene",
    "lags",
    "memory",
    "open",
    "paths",
    "predict",
    "probe",
    "read",
    "record",
    "report",
    "summarize_weights",
    "trace",
    "trust",
    "weights",
    "windows",
]
#: What holds within a block.
BLOCKS = ["on_device"]
#: Options that belong together.
OPTIONS = ["Certificates", "Effort", "Intervention", "Shares", "Target", "Test"]


def modules() -> list[str]:
    """Every module of the package, but not the script that runs when it is called."""
    walk = pkgutil.walk_packages(rnnlens.__path__, prefix="rnnlens.")
    return [module.name for module in walk if not module.name.endswith("__main__")]


def test_public_names_are_sorted_and_each_is_there():
    assert rnnlens.__all__ == sorted(rnnlens.__all__)
    assert len(set(rnnlens.__all__)) == len(rnnlens.__all__)
    for name in rnnlens.__all__:
        assert hasattr(rnnlens, name), name


def test_nothing_public_is_left_out():
    listed = {name for name in dir(rnnlens) if not name.startswith("_")}
    rooms = {module.split(".")[1] for module in modules()}
    assert listed - rooms - {"annotations"} <= set(rnnlens.__all__)
    assert set(VERBS) | set(OPTIONS) | set(BLOCKS) == set(rnnlens.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_verb"):
        _ = rnnlens.no_such_verb


@pytest.mark.parametrize("module", modules())
def test_what_a_module_declares_is_there_and_documented(module):
    loaded = importlib.import_module(module)
    assert inspect.getdoc(loaded), f"{module} has no docstring"
    for name in getattr(loaded, "__all__", ()):
        value = getattr(loaded, name)
        if inspect.isfunction(value) or inspect.isclass(value):
            assert inspect.getdoc(value), f"{module}.{name} has no docstring"


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_says_what_it_takes_and_gives(verb):
    text = inspect.getdoc(getattr(rnnlens, verb)) or ""
    for section in ("Parameters", "Returns"):
        assert f"{section}\n{'-' * len(section)}" in text, f"{verb} has no section {section}"
    for name in inspect.signature(getattr(rnnlens, verb)).parameters:
        assert name in text, f"{verb} does not say what {name} is"


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_says_what_it_holds(name):
    option = getattr(rnnlens, name)
    text = inspect.getdoc(option) or ""
    assert "Parameters\n----------" in text
    for field in dataclasses.fields(option):
        assert f"{field.name} : " in text, f"{name} does not say what {field.name} is"
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(option(), dataclasses.fields(option)[0].name, "other")


def annotations_of(name: str) -> dict[str, str]:
    """What a public name says of the types that it takes, gives and holds, as it is written."""
    value = getattr(rnnlens, name)
    stated = inspect.signature(value)
    written = {
        parameter.name: str(parameter.annotation) for parameter in stated.parameters.values()
    }
    return written | ({} if inspect.isclass(value) else {"return": str(stated.return_annotation)})


@pytest.mark.parametrize("name", rnnlens.__all__)
def test_a_public_signature_states_every_type_and_none_is_any(name):
    for what, annotation in annotations_of(name).items():
        assert "_empty" not in annotation, f"{name} does not say what type {what} is"
        assert not re.search(r"\bAny\b", annotation), f"{what} of {name} may be anything"


def test_a_signature_with_any_would_be_found(monkeypatch):
    def verb(X: Mapping[str, Any], y) -> dict[str, Any]: ...

    monkeypatch.setattr(rnnlens, "describe", verb)
    for what in ("X", "return"):
        assert re.search(r"\bAny\b", annotations_of("describe")[what])
    assert "_empty" in annotations_of("describe")["y"]
