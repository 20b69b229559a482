"""Every cell of the table of what is read: it gives its source's outputs, or is refused.

The source's own library computes in float32 as a rule; the tolerance is 1e-5 of the largest output
(or of 1), far below what a wrong gate does.
"""

from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location

import h5py
import pytest

from keras_zoo import REFUSED, ZOO
from support import CELLS, FORMATS, ROWS, Absent, Compared, Refused, run, versions
from support_containers import CONTAINERS
from support_idioms import KERAS, KINDS, TORCH, every_idiom, told
from support_written import ROWS_WRITTEN, TARGETS, write
from torch_idioms import IDIOMS

pytestmark = [
    pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask"),
    pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN"),
    pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated"),
]

WITH_SOURCES = [key for key, cell in CELLS.items() if not isinstance(cell, Absent)]
STATUS = {Compared: "tested", Refused: "refused", Absent: "-"}


@pytest.fixture(scope="module")
def table(root):
    """The script that writes the page."""
    spec = spec_from_file_location("make_support_table", root / "docs" / "make_support_table.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("form", "row"), WITH_SOURCES)
def test_a_cell_is_what_the_table_says(form, row, tmp_path):
    cell = CELLS[form, row]
    assert run(cell, tmp_path) == STATUS[type(cell)]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """What refuses each cell of what is written; tests of the writers run the files."""
    folder = tmp_path_factory.mktemp("written")
    return {
        (row, ending): write(row, ending, folder, check=False)
        for row in ROWS_WRITTEN
        for ending in TARGETS
    }


@pytest.fixture(scope="module")
def idioms():
    """What refuses each idiom; tests of the readers run those that are read."""
    return {(library, name): told(library, name, check=False) for _, library, name in every_idiom()}


@pytest.mark.parametrize(
    ("file", "what"), [(file, what) for file, cases in CONTAINERS.items() for what in cases]
)
def test_a_case_of_another_file_is_what_the_table_says(file, what, tmp_path):
    case = CONTAINERS[file][what]
    assert run(case, tmp_path) == STATUS[type(case)]


@pytest.mark.parametrize("library", [TORCH, KERAS])
def test_every_idiom_stands_under_one_heading(library):
    every = set(IDIOMS) if library == TORCH else {*ZOO, *REFUSED}
    listed = sorted(name for _, one, name in every_idiom() if one == library)
    assert listed == sorted(every), "put the idiom under a heading in tests/support_idioms.py"
    assert all(set(sides) == {TORCH, KERAS} for sides in KINDS.values())


def test_the_page_is_that_of_the_cells(root, table, idioms, written):
    statuses = {key: STATUS[type(cell)] for key, cell in CELLS.items()}
    page = (root / "docs" / "support.md").read_text(encoding="utf-8")
    expected = table.page(statuses, idioms, written, versions())
    assert page.split(table.VERSIONS)[0] == expected.split(table.VERSIONS)[0], (
        "docs/support.md is not what the tests say: run docs/make_support_table.py"
    )


@pytest.mark.parametrize("ending", TARGETS)
def test_masked_steps_are_run_by_the_library_of_its_target(ending, tmp_path):
    assert write("masked steps", ending, tmp_path, check=True) == ""


def test_every_format_has_every_row():
    assert set(CELLS) == {(form, row) for form in FORMATS for row in ROWS}
    assert all(cell.why.strip() for cell in CELLS.values() if isinstance(cell, Absent))
    assert all(cell.sentence.strip() for cell in CELLS.values() if isinstance(cell, Refused))


def test_two_gates_changed_round_are_noticed(tmp_path):
    source = CELLS["keras_2", "lstm"].make(tmp_path)
    with h5py.File(source.model, "r+") as file:
        kernel = file["model_weights/lstm/lstm/kernel:0"]
        kernel[...] = kernel[()][:, [4, 5, 6, 7, 0, 1, 2, 3, *range(8, 16)]]
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        run(Compared(lambda _: source), tmp_path)


def test_a_missing_output_is_noticed(tmp_path):
    source = CELLS["keras", "outputs"].make(tmp_path)
    fewer = replace(source, outputs=source.outputs[:1])
    with pytest.raises(ValueError, match="zip"):
        run(Compared(lambda _: fewer), tmp_path)


def test_another_refusal_and_none_are_noticed(tmp_path):
    refused, tested = CELLS["keras", "code"], CELLS["keras", "lstm"]
    with pytest.raises(AssertionError, match="refused with"):
        run(Refused(refused.make, "another sentence"), tmp_path)
    with pytest.raises(AssertionError, match="it was read"):
        run(Refused(tested.make, "any sentence"), tmp_path)
