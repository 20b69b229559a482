"""Every refusal says its sentence, word for word, and every place that refuses is tested by one."""

import ast
import importlib
import json
import os
from hashlib import sha256
from pathlib import Path

import pytest

import refused
from refusal_sites import SITES, helpers_in, places
from refused import MAKERS, REFUSALS, holds, outcome

for path in sorted(Path(refused.__file__).parent.glob("*.py")):
    importlib.import_module(f"refused.{path.stem}")

#: Places that no case reaches, and why.
UNREACHED = {
    "readers/keras/tensorflow/exported: _Listed.sublayer 1": "layers are asked for parts alone",
    "readers/keras/weights: LayerGroups.sublayer 1": "layers are asked for parts, not models",
    "readers/torch/graph/arithmetic: operands 1": "what depends on no input is worked out before",
    "readers/torch/graph/call: TorchCall.array 1": "no weight of a layer has an axis of samples",
    "readers/torch/graph/shapes: _joined 1": "PyTorch joins values of one shape, so of one axis",
    "readers/torch/graph/shapes: _repeated 2": "PyTorch sets new axes before the samples alone",
    "readers/torch/graph/shapes: _stacked 1": "PyTorch stacks values of one shape, so of one axis",
    "readers/torch/graph/steps: _layers 1": "torch.export fixes the steps, and refuses first",
    "readers/torch/graph/steps: _one_step 1": "PyTorch refuses all but (sample, feature)",
}

pytestmark = pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask")


#: What Keras says where a case saves a file of the kind that it would rather not write.
OF_THE_CASE = "You are saving your model as an HDF5 file"
#: What rnnlens says where a machine runs a kernel for the first time.
OF_KERNELS = "rnnlens compiles kernels for this machine"


@pytest.fixture(scope="session")
def sites_of(tmp_path_factory):
    """Give the places that a case reaches; no worker of a run asks what another has asked."""
    base = tmp_path_factory.getbasetemp()
    notes = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "refused"
    notes.mkdir(exist_ok=True)

    def of(name: str) -> set[str]:
        note = notes / sha256(name.encode()).hexdigest()
        if not note.exists():
            draft = note.with_name(f"{note.name}-{os.getpid()}")
            draft.write_text(json.dumps(sorted(outcome(name).sites)), encoding="utf-8")
            draft.replace(note)
        return set(json.loads(note.read_text(encoding="utf-8")))

    return of


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_said_word_for_word_and_nothing_else_is_printed(name, capfd, sites_of):
    said = outcome(name).said
    sites_of(name)
    assert holds(REFUSALS[name], said), said
    assert "\n" not in said
    printed = "".join(capfd.readouterr()).splitlines()
    known = (OF_THE_CASE, OF_KERNELS)
    assert [line for line in printed if line.strip() and not any(k in line for k in known)] == []


def test_every_sentence_has_a_maker_and_every_maker_a_sentence():
    assert set(REFUSALS) == set(MAKERS)


def test_every_place_that_refuses_is_reached_by_a_case(sites_of):
    reached = {site for name in MAKERS for site in sites_of(name)}
    assert SITES - reached - set(UNREACHED) == set()


def test_the_places_said_to_be_out_of_reach_are_there():
    assert set(UNREACHED) <= SITES


def test_another_sentence_or_a_part_of_one_does_not_hold():
    assert holds(
        "InputError: {folder}/m is of Keras ({said})", "InputError: {folder}/m is of Keras (2)"
    )
    assert not holds("InputError: it is", "InputError: it is not")
    assert not holds("InputError: it is {number}", "InputError: it is none")
    assert not holds("InputError: it is", "UnreadableFile: it is")


CODE = """
def refuse(name) -> NoReturn:
    raise UnsupportedModel(name)

class Reader:
    def read(self):
        try:
            refuse("one")
        except InputError:
            raise
        except ValueError as error:
            raise self.wrong("another") from error
        if self.later:
            raise ValueError
        raise furthest[1]
"""


def test_the_places_of_a_file_are_its_own_refusals_and_calls_of_what_refuses():
    tree = ast.parse(CODE)
    found = [name for name, _ in places(tree, "", frozenset(helpers_in(tree)))]
    assert found == ["refuse", "Reader.read", "Reader.read", "Reader.read"]
