import errno
import os
from pathlib import Path

import pytest

from storage import (
    LocalStore,
    StorageError,
    StoreDeniedError,
    StoreFullError,
    UnsafeStoreError,
    open_store,
)
from storage.testing import JournalTests, LeaseTests, StoreProcessTests, StoreTests


class TestLocal(StoreTests, StoreProcessTests, JournalTests, LeaseTests):
    @pytest.fixture
    def store(self, tmp_path):
        return LocalStore(tmp_path / "made" / "on [demand]")

    def raw_read(self, store, key):
        return Path(store.url, key).read_bytes()

    def raw_write(self, store, key, data):
        path = Path(store.url, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


class TestLocalWithoutSync(TestLocal):
    @pytest.fixture
    def store(self, tmp_path):
        return open_store(f"file://{tmp_path}", durable=False)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, StoreFullError),
        (errno.EACCES, StoreDeniedError),
        (errno.EPERM, UnsafeStoreError),
        (errno.EMLINK, StorageError),
    ],
)
def test_a_failing_disk_is_named_and_leaves_nothing(tmp_path, monkeypatch, number, expected):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    store = LocalStore(tmp_path)
    monkeypatch.setattr(os, "link", fail)
    with pytest.raises(expected, match=str(tmp_path)) as caught:
        store.create("a", b"x")
    assert type(caught.value) is expected
    assert list(tmp_path.iterdir()) == []


def test_a_file_size_limit_leaves_nothing_under_the_name(tmp_path, run_python):
    done = run_python(
        """
        import resource, signal, sys
        from storage import LocalStore, StoreFullError
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        store = LocalStore(sys.argv[1])
        for write in (store.create, store.replace):
            try:
                write("a", b"x" * 5000)
            except StoreFullError:
                print("full")
        """,
        tmp_path,
    )
    assert done.stdout.read() == "full\nfull\n"
    assert list(tmp_path.iterdir()) == []


def test_file_and_folders_are_synced_before_create_answers(tmp_path, monkeypatch):
    synced = []
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(_name(fd)), sync(fd)))
    LocalStore(tmp_path).create("a/b/c", b"x")
    folders = [str(tmp_path), str(tmp_path / "a"), str(tmp_path / "a/b")]
    assert synced[:2] == folders[:2]
    assert ".tmp-" in synced[2]
    assert synced[3:] == folders[2:]
    synced.clear()
    LocalStore(tmp_path, durable=False).create("d/e", b"x")
    assert synced == []


def _name(descriptor):
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())


def test_a_folder_deleted_meanwhile_is_made_again(tmp_path, monkeypatch):
    store = LocalStore(tmp_path)
    make = store._make_folder
    calls = []

    def make_and_lose(folder):
        make(folder)
        calls.append(folder)
        if len(calls) < 3:
            folder.rmdir()

    monkeypatch.setattr(store, "_make_folder", make_and_lose)
    assert store.create("a/b", b"x")
    assert store.list("a") == ["b"]


def test_a_disk_that_cannot_sync_folders_is_used_all_the_same(tmp_path, monkeypatch):
    sync = os.fsync

    def refuse_folders(descriptor):
        if Path(_name(descriptor)).is_dir():
            raise OSError(errno.EINVAL, "Invalid argument")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    assert LocalStore(tmp_path).create("a", b"x")


def test_of_a_folder_that_is_a_link_the_link_is_deleted(tmp_path):
    store, elsewhere = LocalStore(tmp_path / "store"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").write_text("stays")
    store.replace("other/a", b"1")
    (tmp_path / "store/trials").symlink_to(elsewhere)
    store.delete_tree("trials")
    assert store.list("") == ["other"]
    assert (elsewhere / "file").read_text() == "stays"


def test_a_probe_of_a_killed_process_is_deleted_by_the_next_one(tmp_path, start_python):
    store = LocalStore(tmp_path / "store")
    killed = start_python(
        "import os; from storage import LocalStore\n"
        f"store = LocalStore({str(tmp_path / 'store')!r})\n"
        "store.read = lambda key: os.kill(os.getpid(), 9)\n"
        "store.probe()"
    )
    killed.wait()
    assert [name.startswith(".probe-") for name in store.list("")] == [True]
    store.probe()
    assert store.list("") == []


def test_an_object_is_not_a_folder(tmp_path):
    store = LocalStore(tmp_path)
    store.create("a", b"x")
    with pytest.raises(StorageError, match="a/b"):
        store.create("a/b", b"x")
    assert store.list("") == ["a"]


def test_paths_of_all_kinds_open_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    paths = [tmp_path / "p", str(tmp_path / "p"), "~/p", "p", f"file://{tmp_path}/p/", "file://~/p"]
    assert {open_store(path).url for path in paths} == {str(tmp_path / "p")}
