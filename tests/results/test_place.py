"""A file appears whole or not at all."""

import pytest

from rnnlens.errors import InputError
from rnnlens.results.place import placed


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_is_written_half_is_not_left_and_what_stood_there_stays(error, tmp_path):
    place = tmp_path / "answer.txt"
    place.write_text("before")

    def write():
        with placed(place) as draft:
            draft.write_text("half")
            assert place.read_text() == "before"
            raise error

    with pytest.raises(error):
        write()
    assert place.read_text() == "before"
    assert [file.name for file in tmp_path.iterdir()] == ["answer.txt"]


def test_a_whole_file_takes_its_place(tmp_path):
    place = tmp_path / "answer.txt"
    place.write_text("before")
    with placed(place) as draft:
        draft.write_text("after")
    assert place.read_text() == "after"
    assert [file.name for file in tmp_path.iterdir()] == ["answer.txt"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "folder").mkdir()
    place, link = tmp_path / "folder" / "answer.txt", tmp_path / "link.txt"
    place.write_text("before")
    link.symlink_to(place)
    with placed(link) as draft:
        draft.write_text("after")
    assert link.is_symlink()
    assert place.read_text() == "after"


def test_what_cannot_be_written_is_said_with_its_name(tmp_path):
    place = tmp_path / "nowhere" / "answer.txt"

    def write():
        with placed(place) as draft:
            draft.write_text("42")

    with pytest.raises(InputError, match=r"nowhere.answer\.txt cannot be written"):
        write()
