import uuid

import fsspec
import pytest

from storage import FsspecStore, MemoryStore, StoreDeniedError, UnsafeStoreError, open_store
from storage.store import Retry
from storage.testing import JournalTests, LeaseTests, StoreTests


@pytest.fixture
def memory_url():
    url = f"memory://{uuid.uuid4().hex}/project"
    yield url
    fs, root = fsspec.url_to_fs(url)
    if fs.exists(root):
        fs.rm(root, recursive=True)


class TestMemory(StoreTests, JournalTests, LeaseTests):
    @pytest.fixture
    def store(self, memory_url):
        return open_store(memory_url)

    def raw_read(self, store, key):
        return fsspec.filesystem("memory").cat_file(f"{store.url}/{key}")

    def raw_write(self, store, key, data):
        fsspec.filesystem("memory").pipe_file(f"{store.url}/{key}", data)


class TestGeneric(TestMemory):
    """What `FsspecStore` does by itself, where `MemoryStore` must do otherwise."""

    @pytest.fixture
    def store(self, memory_url):
        return FsspecStore(memory_url, {})

    # Not a claim of fsspec's memory file system.
    test_of_many_that_create_one_key_one_wins = None
    test_many_writers_lose_and_double_nothing = None
    test_deleting_leaves_no_folder_behind = None


class Forgetful(MemoryStore):
    """Like an S3 look-alike that ignores conditions."""

    def _create(self, key, data):
        self._replace(key, data)


def test_a_store_that_ignores_conditions_is_refused(memory_url):
    store = Forgetful(memory_url, {})
    with pytest.raises(UnsafeStoreError, match="conditional writes"):
        store.probe()
    assert store.list("") == []


def test_a_file_system_that_looks_and_then_writes_is_refused(tmp_path):
    store = FsspecStore(f"file://{tmp_path}", {})
    with pytest.raises(UnsafeStoreError, match="LocalFileSystem"):
        store.probe()


def test_the_listings_of_a_file_system_are_not_remembered(memory_url):
    store = FsspecStore(memory_url, {"use_listings_cache": True})
    assert store._fs.storage_options["use_listings_cache"] is False


class Elusive(MemoryStore):
    """Writes arrive, some of the answers are lost."""

    lost = 3

    def _create(self, key, data):
        super()._create(key, data)
        self._lose()

    def _lose(self):
        if self.lost:
            self.lost -= 1
            raise ConnectionResetError


def test_a_write_whose_answer_was_lost_is_ours(memory_url):
    pauses = []
    store = Elusive(memory_url, {}, retry=Retry(sleep=pauses.append))
    assert store.create("a", b"one")
    assert len(pauses) == 1
    assert not store.create("a", b"two")


class Refusing(MemoryStore):
    def _read(self, key):
        raise PermissionError("no entry")


def test_secrets_appear_nowhere(memory_url):
    store = Refusing(memory_url, {"secret": "hunter2"})
    with pytest.raises(StoreDeniedError, match="no entry") as caught:
        store.read("a")
    assert "hunter2" not in f"{store!r}{store}{caught.value!r}{vars(caught.value)}"


@pytest.mark.parametrize("url", ["ftp://me:hunter2@host/x", "simplecache::sftp://me:hunter2@h/x"])
def test_a_password_in_a_url_is_refused_and_not_repeated(url):
    with pytest.raises(ValueError, match=r"without a password.*me:\*\*\*@h.*PASSWORD") as caught:
        open_store(url)
    assert "hunter2" not in str(caught.value)


class Breaking(MemoryStore):
    def _download(self, key, target):
        target.write_bytes(b"half")
        raise PermissionError("expired")


def test_a_download_that_breaks_off_leaves_the_old_file(memory_url, tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(StoreDeniedError, match="expired"):
        Breaking(memory_url, {}).download("a", tmp_path / "file")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_the_root_of_memory_is_a_store(memory_url):
    name = memory_url.removeprefix("memory://").partition("/")[0]
    store = open_store("memory://")
    store.replace(f"{name}/project/a", b"x")
    assert name in store.list("")
    assert open_store(memory_url).read("a") == b"x"
