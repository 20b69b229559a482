"""Whatever is damaged of a result is found, named and made anew, and nothing else is touched."""

from __future__ import annotations

import shutil

import pytest

from archives import written
from rnnlens.bulk import Blocks, Part, Runner, records, repair, verify
from rnnlens.bulk.job import read_manifest
from rnnlens.bulk.methods import written_by
from rnnlens.bulk.upkeep.layout import note_layout
from rnnlens.errors import InputError, UnreadableFile


def flipped(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def last_flipped(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 128
    path.write_bytes(bytes(content))


def torn(path):
    path.write_bytes(path.read_bytes()[:-7])


def emptied(path):
    path.write_bytes(b"")


def gone(path):
    path.unlink()


@pytest.fixture
def done(whole, made, expected):
    """A copy of the result, and the files that it must have."""
    return shutil.copytree(whole.folder / "out.zarr", made.folder / "out.zarr"), expected


WAYS = [flipped, last_flipped, torn, emptied, gone]


@pytest.mark.parametrize("damage", WAYS)
def test_damage_of_a_chunk_is_found_and_mended_and_nothing_else_is(made, files, done, damage):
    out, before = done
    planted = [
        ("forecast", "forecast/c/0/0", 0),
        ("sketch", ".rnnlens/sketches/0000/0000003.npz", 3),
        ("contribution", "contribution/c/1/2/0/0", 7),
        ("residual", "residual/c/2/4", 14),
    ]
    for _, place, _ in planted:
        damage(out / place)
    expected = [(name, block) for name, _, block in planted]
    kept = (out / "baseline_forecast" / "c" / "0" / "1").stat().st_mtime_ns
    assert [(one.what, one.block) for one in verify(out)] == expected
    assert [(one.what, one.block) for one in repair(out)] == expected
    assert verify(out) == [] and files(out) == before
    assert (out / "baseline_forecast" / "c" / "0" / "1").stat().st_mtime_ns == kept


def test_a_chunk_in_the_place_of_another_is_found(files, done):
    out, before = done
    shutil.copy(out / "contribution/c/0/1/0/0", out / "contribution/c/0/2/0/0")
    assert [(one.what, one.block) for one in verify(out)] == [("contribution", 2)]
    made_anew = repair(out)
    assert len(made_anew) == 1 and files(out) == before


@pytest.mark.parametrize("damage", WAYS)
@pytest.mark.parametrize(
    "name", ["zarr.json", "station/zarr.json", "forecast/zarr.json", "summary/all/mean/c/0/0/0"]
)
def test_damage_of_what_is_laid_out_is_found_and_mended(files, done, damage, name):
    out, before = done
    damage(out / name)
    assert [(one.what, one.block) for one in verify(out)] == [(name, None)]
    repair(out)
    assert verify(out) == [] and files(out) == before


@pytest.mark.parametrize("damage", [torn, emptied])
def test_a_torn_record_is_found_and_its_block_made_anew(files, done, damage):
    out, before = done
    damage(records.place_of_record(out, 4))
    assert [(one.what, one.block) for one in verify(out)] == [("record", 4)]
    repair(out)
    assert verify(out) == [] and files(out) == before


def test_a_run_that_goes_on_makes_anew_what_is_damaged(made, files, done):
    out, before = done
    torn(out / "contribution/c/1/1/0/0")
    flipped(out / "forecast/c/2/0")
    made.explain()
    assert files(out) == before


@pytest.mark.parametrize("damage", WAYS)
@pytest.mark.parametrize("name", ["network.npz", "baseline.npz"])
def test_damage_of_what_is_kept_of_the_question_is_found_and_mended(done, name, damage):
    place = done[0] / ".rnnlens" / name
    before = place.read_bytes()
    damage(place)
    assert [one.what for one in verify(done[0])] == [f".rnnlens/{name}"]
    repair(done[0])
    assert verify(done[0]) == [] and place.read_bytes() == before


@pytest.mark.parametrize("damage", WAYS)
def test_damage_of_the_layout_is_found_and_mended_by_the_question(made, files, done, damage):
    out, before = done
    damage(out / ".rnnlens" / "layout.json")
    flipped(out / "lag" / "zarr.json")
    assert [one.what for one in verify(out)] == [".rnnlens/layout.json"]
    with pytest.raises(UnreadableFile, match="no copy: ask rnnlens explain as before, which write"):
        repair(out)
    made.explain()
    assert verify(out) == [] and files(out) == before


def test_damage_of_what_is_laid_out_is_not_taken_for_the_layout_by_a_run_that_goes_on(
    made, files, expected
):
    out = made.folder / "begun.zarr"
    made.explain("begun.zarr", limit=100)
    flipped(out / "station" / "zarr.json")
    emptied(out / "contribution" / "zarr.json")
    torn(out / "lag" / "c" / "0")
    made.explain("begun.zarr")
    assert files(out) == expected and verify(out) == []


def test_a_part_of_the_summary_that_another_job_lost_is_made_anew_before_the_sum(
    made, files, expected
):
    out = made.folder / "parts.zarr"
    made.explain("parts.zarr", runner=Runner(part=Part(1, 2)))
    torn(out / ".rnnlens" / "sketches" / "0000" / "0000003.npz")
    made.explain("parts.zarr", runner=Runner(part=Part(2, 2)))
    assert files(out) == expected and verify(out) == []


def test_a_result_whose_sum_is_missing_says_so(made, files, done):
    out, before = done
    shutil.rmtree(out / "summary")
    (out / ".rnnlens" / "layout.json").unlink()
    note_layout(out, written_by(read_manifest(out)))
    assert [one.what for one in verify(out)] == ["summary"]
    repair(out)
    assert verify(out) == [] and files(out) == before


def test_another_result_in_the_same_place_is_written_as_it_is_laid_out(made):
    made.explain("place.zarr", limit=1)
    shutil.rmtree(made.folder / "place.zarr")
    found = made.explain("place.zarr", blocks=Blocks(windows=40, dtype="float64"))
    expected = made.explain("other.zarr", blocks=Blocks(windows=40, dtype="float64"))
    assert found.equals(expected)


def test_a_damaged_manifest_is_refused(done):
    out, _ = done
    path = out / ".rnnlens" / "manifest.json"
    path.write_text(path.read_text().replace('"secant"', '"tree"'))
    with pytest.raises(UnreadableFile, match="is damaged or of another version of rnnlens"):
        verify(out)


def test_an_archive_that_was_moved_is_named_and_another_is_refused(whole, made, files, done):
    out, _ = done
    manifest = out / ".rnnlens" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(str(whole.path), str(made.path)))
    made.path.rename(made.folder / "moved.zarr")
    torn(out / "forecast/c/0/0")
    with pytest.raises(UnreadableFile, match="there is no archive"):
        repair(out)
    written(made.data.assign(rain=made.data.rain * 2), made.folder / "other.zarr")
    with pytest.raises(InputError, match="is not the archive that .* was made from"):
        repair(out, made.folder / "other.zarr")
    repair(out, made.folder / "moved.zarr")
    assert verify(out) == []
