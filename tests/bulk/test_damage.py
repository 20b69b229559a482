"""Whatever is damaged of a result is found, named and made anew, and nothing else is touched."""

from __future__ import annotations

import shutil

import pytest

from archives import written
from rnnlens.bulk import records, repair, verify
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
@pytest.mark.parametrize("name", ["zarr.json", "station/zarr.json", "summary/all/mean/c/0/0/0"])
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


@pytest.mark.parametrize("name", ["network.npz", "baseline.npz"])
def test_what_of_the_question_is_damaged_is_found_and_cannot_be_mended(done, name):
    out, _ = done
    flipped(out / ".rnnlens" / name)
    assert f".rnnlens/{name}" in [one.what for one in verify(out)]
    with pytest.raises(UnreadableFile, match="of which there is no copy: ask rnnlens explain as"):
        repair(out)


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
