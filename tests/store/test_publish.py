"""Publishing: at once or not at all, never over what is there."""

import errno
import fcntl
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from store.errors import (
    DamagedExportError,
    InvalidNameError,
    ManifestError,
    StoreFullError,
    StoreUnwritableError,
    VersionExistsError,
    VersionNumberError,
)
from store.layout import INT64_MAX, Store, VersionDir
from store.manifest import Manifest
from store.model_server_config import CONFIG_FILE
from store.publish import publish
from tests.support.manifests import export_folder


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return export_folder(tmp_path / "export")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.at(tmp_path / "store")


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_versions_are_numbered_and_complete(store: Store, export: Path) -> None:
    published = [publish(store, export) for _ in range(3)]
    assert [version.number for version in published] == store.versions("digits") == [1, 2, 3]
    assert files(published[2].path) == files(export)
    assert Manifest.read(published[2].manifest).version == 3


def test_what_an_older_kmaas_did_not_write_is_not_made_up(store: Store, export: Path) -> None:
    path = VersionDir(export).manifest
    document = json.loads(path.read_bytes())
    del document["goldens"], document["recorded"], document["metrics"][0]["low"]
    path.write_text(json.dumps(document))
    assert json.loads(publish(store, export).manifest.read_bytes()) == {**document, "version": 1}


@pytest.fixture
def private_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("private_umask")
def test_every_user_can_read_what_is_published(store: Store, export: Path) -> None:
    for path in (export, *export.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    publish(store, export)
    modes = {path: path.stat().st_mode & 0o777 for path in (store.root, *store.root.rglob("*"))}
    assert modes == {path: 0o755 if path.is_dir() else 0o644 for path in modes}


def test_a_reader_sees_whole_versions_only(store: Store, export: Path) -> None:
    whole, done = files(export), threading.Event()

    def read() -> set[int]:
        seen = set()
        while not done.is_set():
            for number in store.versions("digits")[-1:]:
                version = store.version("digits", number)
                assert files(version.path) == whole
                assert Manifest.read(version.manifest).version == number
                seen.add(number)
        return seen

    with ThreadPoolExecutor(1) as threads:
        reader = threads.submit(read)
        try:
            for _ in range(50):
                publish(store, export)
        finally:
            done.set()
    assert reader.result()


def test_a_version_is_on_the_disk_before_it_is_seen(
    store: Store, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: dict[bool, set[int]] = {False: set(), True: set()}  # inodes, before and after the version is seen
    sync = os.fsync

    def fsync(opened: int) -> None:
        synced[store.versions("digits") == [1]].add(os.fstat(opened).st_ino)
        sync(opened)

    monkeypatch.setattr(os, "fsync", fsync)
    version = publish(store, export).path
    assert {path.stat().st_ino for path in (version, *version.rglob("*"))} <= synced[False]
    assert {path.stat().st_ino for path in (store.root, store.base("digits"))} <= synced[True]


def test_the_leavings_of_killed_publishers_are_swept_but_not_those_in_use(store: Store, export: Path) -> None:
    for name in ("killed", "working"):
        (store.root / f".staging-{name}" / "version" / "variables").mkdir(parents=True)
    working = os.open(store.root / ".staging-working", os.O_RDONLY)
    fcntl.flock(working, fcntl.LOCK_EX)
    publish(store, export)
    assert [path.name for path in store.root.glob(".staging-*")] == [".staging-working"]
    os.close(working)
    publish(store, export)
    assert list(store.root.glob(".staging-*")) == []


def test_a_given_number_is_used_once(store: Store, export: Path) -> None:
    assert publish(store, export, version=7).number == 7
    before = (store.version("digits", 7).path / "saved_model.pb").stat().st_mtime_ns
    with pytest.raises(VersionExistsError, match="never overwritten"):
        publish(store, export, version=7)
    assert (store.version("digits", 7).path / "saved_model.pb").stat().st_mtime_ns == before
    assert files(store.root) == ["digits", "digits/7", *(f"digits/7/{n}" for n in files(export)), CONFIG_FILE]
    assert publish(store, export).number == 8


@pytest.mark.parametrize("taken", ["007", "7"])
def test_a_number_is_taken_by_any_folder_that_stands_for_it(store: Store, export: Path, taken: str) -> None:
    (store.base("digits") / taken).mkdir(parents=True)
    with pytest.raises(VersionExistsError, match=f"digits/{taken} exists"):
        publish(store, export, version=7)
    assert files(store.root) == ["digits", f"digits/{taken}"]


def test_a_file_in_the_place_of_a_version_is_not_overwritten(store: Store, export: Path) -> None:
    store.base("digits").mkdir(parents=True)
    (store.base("digits") / "7").write_text("a file")
    with pytest.raises(VersionExistsError):
        publish(store, export, version=7)


@pytest.mark.parametrize("number", [-1, INT64_MAX + 1])
def test_a_number_that_no_version_can_have_is_refused(store: Store, export: Path, number: int) -> None:
    with pytest.raises(VersionNumberError, match=f"version {number} is not usable"):
        publish(store, export, version=number)
    assert files(store.root) == []


def test_after_the_highest_number_there_is_none(store: Store, export: Path) -> None:
    publish(store, export, version=INT64_MAX)
    with pytest.raises(VersionNumberError):
        publish(store, export)


def test_a_first_version_that_fails_leaves_no_trace_of_its_model(
    store: Store, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path, _target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", full)
        with pytest.raises(StoreFullError):
            publish(store, export)
    assert files(store.root) == []  # a TensorFlow Serving would wait for ever for a model that is only listed
    assert publish(store, export).number == 1


@pytest.mark.parametrize("change", [lambda file: file.write_bytes(b"other weights"), Path.unlink])
def test_an_export_that_was_changed_is_refused(store: Store, export: Path, change: Callable[[Path], object]) -> None:
    change(export / "variables" / "variables.data-00000-of-00001")
    with pytest.raises(DamagedExportError, match=r"is not published: .*variables\.data.*; export it again"):
        publish(store, export)
    assert not store.models()
    assert not list(store.root.iterdir())


def test_an_export_whose_manifest_is_none_is_not_called_damaged(store: Store, export: Path) -> None:
    VersionDir(export).manifest.write_bytes(b"{")
    with pytest.raises(ManifestError, match="schema"):
        publish(store, export)


def test_an_export_without_manifest_is_refused(store: Store, export: Path) -> None:
    VersionDir(export).manifest.unlink()
    with pytest.raises(ManifestError, match=r"manifest\.json"):
        publish(store, export)
    assert not store.root.exists()


def test_a_model_name_that_is_no_folder_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(InvalidNameError):
        publish(store, export_folder(tmp_path / "bad", "../digits"))


def test_racing_publishers_each_get_a_number(store: Store, tmp_path: Path) -> None:
    exports = [export_folder(tmp_path / str(i), weights=str(i).encode()) for i in range(12)]
    start = threading.Barrier(len(exports))

    def race(folder: Path) -> VersionDir:
        start.wait()
        return publish(store, folder)

    with ThreadPoolExecutor(len(exports)) as threads:
        published = list(threads.map(race, exports))
    assert sorted(version.number for version in published) == store.versions("digits") == list(range(1, 13))
    for i, version in enumerate(published):
        assert (version.path / "variables" / "variables.data-00000-of-00001").read_bytes() == str(i).encode()
        assert Manifest.read(version.manifest).version == version.number


def test_racing_publishers_of_one_number_have_one_winner(store: Store, tmp_path: Path) -> None:
    exports = [export_folder(tmp_path / str(i)) for i in range(8)]
    start = threading.Barrier(len(exports))

    def race(folder: Path) -> bool:
        start.wait()
        try:
            publish(store, folder, version=5)
        except VersionExistsError:
            return False
        return True

    with ThreadPoolExecutor(len(exports)) as threads:
        assert sum(threads.map(race, exports)) == 1
    assert store.versions("digits") == [5]


def test_racing_publishers_of_new_models_are_all_listed(store: Store, tmp_path: Path) -> None:
    models = [f"model-{i}" for i in range(8)]
    exports = [export_folder(tmp_path / model, model) for model in models]
    start = threading.Barrier(len(exports))

    def race(folder: Path) -> None:
        start.wait()
        publish(store, folder)

    with ThreadPoolExecutor(len(exports)) as threads:
        list(threads.map(race, exports))
    config = (store.root / CONFIG_FILE).read_text()
    assert [f'name: "{model}"' in config for model in models] == [True] * 8


def test_a_store_that_cannot_be_written(export: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreUnwritableError, match="cannot write to the store"):
        publish(Store.at(tmp_path / "file" / "store"), export)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], check=False, capture_output=True)
    if mount.returncode:
        pytest.skip(f"needs a small disk, and mounting one is not allowed here: {mount.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_leaves_the_store_as_it_was(small_disk: Path, tmp_path: Path) -> None:
    store = Store.at(small_disk)
    publish(store, export_folder(tmp_path / "small"))
    before = files(small_disk)
    with pytest.raises(StoreFullError, match="nothing was published"):
        publish(store, export_folder(tmp_path / "big", weights=os.urandom(2**20)))
    assert files(small_disk) == before
    assert publish(store, export_folder(tmp_path / "next")).number == 2
