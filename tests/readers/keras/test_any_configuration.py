"""Whatever JSON stands where an option belongs, reading ends in a network or in one sentence."""

import io
import json
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnnlens.demo.weather import demo_files
from rnnlens.errors import RnnlensError
from rnnlens.network.network import Network
from rnnlens.readers.open import read

SIMPLE = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
WORDS = st.sampled_from(["LSTM", "Lambda", "tanh", "relu", "class_name", "config", "keras.layers"])
ANY_JSON = st.recursive(
    SIMPLE | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=8), inner),
    max_leaves=12,
)


def parts():
    with zipfile.ZipFile(demo_files().network) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def places(value, path=()):
    """Every place in a JSON document."""
    yield path
    items: list = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    for key, inner in items:
        yield from places(inner, (*path, key))


PARTS = parts()
PLACES = sorted(places(json.loads(PARTS["config.json"])), key=str)


def changed(document, path, value):
    if not path:
        return value
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return document


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(PLACES), value=ANY_JSON)
def test_any_json_in_any_place_of_an_architecture(place, value, tmp_path):
    document = changed(json.loads(PARTS["config.json"]), place, value)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in PARTS.items():
            text = json.dumps(document) if name == "config.json" else content
            archive.writestr(name, text)
    path = tmp_path / "m.keras"
    path.write_bytes(packed.getvalue())
    assert outcome(path) in {"network", "sentence"}


def outcome(path):
    try:
        made = read(path)
    except RnnlensError as error:
        return "sentence" if len(str(error).splitlines()) == 1 else str(error)
    return "network" if isinstance(made, Network) else type(made).__name__
