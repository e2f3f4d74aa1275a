"""Streets kept on disk are those that reading their file gives; whatever is wrong with a kept file, it is read anew."""

import gzip
from dataclasses import fields

import numpy as np
import pytest

from safepassage.model.kept_streets import LEAST_BYTES, MOST_KEPT, streets_of
from safepassage.model.settings.scenario import load
from safepassage.model.streets.build import load_streets


class Reader:
    """Reads streets, and counts how often."""

    def __init__(self):
        self.n = 0

    def __call__(self, settings):
        self.n += 1
        return load_streets(settings)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SAFEPASSAGE_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


@pytest.fixture
def settings():
    return load("tiny_town").streets


def same(one, other):
    """Whether two results of reading agree in every field, type and bit."""
    for part, again in zip(one, other, strict=True):
        for name in (field.name for field in fields(part)):
            value, kept = getattr(part, name), getattr(again, name)
            if isinstance(value, np.ndarray):
                assert value.dtype == kept.dtype and value.tobytes() == kept.tobytes(), name
                assert not kept.flags.writeable, name
            else:
                assert type(value) is type(kept) and value == kept, name
    return True


def test_streets_from_disk_equal_those_from_the_file_to_the_bit(folder, settings):
    read = Reader()
    first, again = streets_of(settings, read), streets_of(settings, read)
    assert read.n == 1 and first[0] is not again[0] and same(first, again)
    assert [path.suffix for path in folder.iterdir()] == [".npz"], "nothing is left beside it"


def test_another_content_or_setting_is_read_anew_and_the_same_content_elsewhere_is_not(folder, settings, tmp_path):
    read = Reader()
    streets_of(settings, read)
    content = settings.network.read_bytes()
    for name, text in (("same", content), ("other", content.replace(b"primary", b"secondary"))):
        (tmp_path / f"{name}.graphml").write_bytes(text)
    moved = settings.model_copy(update={"network": tmp_path / "same.graphml"})
    assert same(streets_of(settings, read), streets_of(moved, read)) and read.n == 1
    streets_of(settings.model_copy(update={"network": tmp_path / "other.graphml"}), read)
    streets_of(settings.model_copy(update={"min_length_m": 7.0}), read)
    assert read.n == 3


@pytest.mark.parametrize("harm", ["cut", "turned", "pickled", "empty"])
def test_a_damaged_file_is_not_used_and_written_again(folder, settings, harm):
    first = streets_of(settings, load_streets)
    (path,) = folder.iterdir()
    content = path.read_bytes()
    damaged = {
        "cut": content[: len(content) // 2], "turned": content[:5000] + b"\0" + content[5001:], "empty": b"",
        "pickled": b"cos\nsystem\n(S'true'\ntR.",
    }[harm]  # fmt: skip
    path.write_bytes(damaged)
    read = Reader()
    assert same(first, streets_of(settings, read)) and read.n == 1
    assert path.read_bytes() == content


def test_small_files_and_folders_that_cannot_be_written_keep_nothing(folder, settings, tmp_path, monkeypatch):
    (tmp_path / "small.graphml.gz").write_bytes(gzip.compress(settings.network.read_bytes()))
    small = settings.model_copy(update={"network": tmp_path / "small.graphml.gz"})
    streets_of(small, load_streets)
    assert small.network.stat().st_size < LEAST_BYTES and not folder.exists()
    (tmp_path / "a_file").write_text("")
    for named in (str(tmp_path / "a_file"), ""):
        monkeypatch.setenv("SAFEPASSAGE_CACHE", named)
        assert streets_of(settings, load_streets)[0].n_nodes


def test_only_the_files_used_last_are_kept(folder, settings):
    folder.mkdir()
    for k in range(MOST_KEPT + 3):
        (folder / f"streets-{k}.npz").write_bytes(b"")
    streets_of(settings, load_streets)
    assert len(list(folder.iterdir())) == MOST_KEPT
    read = Reader()
    streets_of(settings, read)
    assert read.n == 0
