"""The suite of `Store`."""

import multiprocessing
import pickle
import sys
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from storage.errors import KeyMissingError
from storage.opening import open_store
from storage.store import Store
from storage.testing.backend import Backend, in_threads

RACERS = 6
BAD_KEYS = ["", "/a", "a/", "a//b", "..", "a/../b", ".", "a b", "_a", "a\n", "ä", "~", ".tmp-1"]


class StoreTests(Backend):
    """The contract of `Store`."""

    def test_what_is_created_is_there(self, store: Store) -> None:
        assert store.create("a/b.json", b"one")
        assert self.raw_read(store, "a/b.json") == b"one"

    def test_a_second_object_of_one_key_is_refused(self, store: Store) -> None:
        self.raw_write(store, "a/b.json", b"one")
        assert not store.create("a/b.json", b"two")
        assert self.raw_read(store, "a/b.json") == b"one"

    def test_an_object_with_our_bytes_is_ours(self, store: Store) -> None:
        self.raw_write(store, "a", b"one")
        assert store.create("a", b"one")

    def test_an_empty_object_is_not_created(self, store: Store) -> None:
        with pytest.raises(ValueError, match="hold something"):
            store.create("a", b"")

    def test_replacing_overwrites(self, store: Store) -> None:
        store.replace("a/b", b"one")
        store.replace("a/b", b"two")
        assert self.raw_read(store, "a/b") == b"two"

    def test_reading_gives_what_is_there_now(self, store: Store) -> None:
        for data in (b"one", b"three"):
            self.raw_write(store, "a/b", data)
            assert store.read("a/b") == data
            assert store.exists("a/b")

    @pytest.mark.parametrize("key", ["a", "a/b", "a/b/c/d"])
    def test_what_is_not_an_object_is_missing(self, store: Store, key: str) -> None:
        self.raw_write(store, "a/b/c", b"one")
        assert not store.exists(key)
        with pytest.raises(KeyMissingError, match=key):
            store.read(key)

    def test_reading_many_leaves_out_the_missing(self, store: Store) -> None:
        for name in "abc":
            self.raw_write(store, f"f/{name}", name.encode())
        assert store.read_many(["f/c", "f/a", "f/x"]) == {"f/c": b"c", "f/a": b"a"}
        assert store.read_many([]) == {}

    def test_a_folder_lists_its_direct_children(self, store: Store) -> None:
        for key in ("b", "a/2", "a/1", "a/c/d", "ab/x"):
            self.raw_write(store, key, b"x")
        assert store.list("") == ["a", "ab", "b"]
        assert store.list("a") == ["1", "2", "c"]
        assert store.list("b") == store.list("nothing") == []

    def test_a_listing_is_never_stale(self, store: Store) -> None:
        assert store.list("a") == []
        self.raw_write(store, "a/1", b"x")
        assert store.list("a") == ["1"]
        assert store.create("a/2", b"x")
        assert store.list("a") == ["1", "2"]

    def test_unfinished_files_are_not_listed(self, store: Store) -> None:
        self.raw_write(store, "a/.tmp-1-abc", b"x")
        assert store.list("a") == []

    def test_deleting_leaves_no_folder_behind(self, store: Store) -> None:
        for key in ("a/b/1", "a/b/2", "c"):
            self.raw_write(store, key, b"x")
        store.delete(["a/b/1", "a/b/missing", "missing/x", "c/x", "a"])
        assert store.list("a/b") == ["2"]
        store.delete(["a/b/2"])
        if self.keeps_empty_folders:
            assert store.list("a/b") == []
        else:
            assert store.list("") == ["c"]

    def test_a_tree_is_deleted_with_all_in_it(self, store: Store) -> None:
        for key in ("a/b/1", "a/b/c/2", "a/bc", "d"):
            self.raw_write(store, key, b"x")
        for prefix in ("a/b", "d", "missing"):
            store.delete_tree(prefix)
        left = {"b"} if self.keeps_empty_folders else set()
        assert store.list("") == ["a"]
        assert set(store.list("a")) - left == {"bc"}

    def test_a_file_goes_up_and_comes_down(self, store: Store, tmp_path: Path) -> None:
        data = bytes(range(256)) * 10_000
        (tmp_path / "up").write_bytes(data)
        self.raw_write(store, "a/file", b"old")
        store.upload(tmp_path / "up", "a/file")
        assert self.raw_read(store, "a/file") == data
        store.download("a/file", tmp_path / "folder" / "down")
        assert (tmp_path / "folder" / "down").read_bytes() == data

    def test_a_failed_download_leaves_nothing(self, store: Store, tmp_path: Path) -> None:
        with pytest.raises(KeyMissingError):
            store.download("missing", tmp_path / "file")
        assert list(tmp_path.rglob("file*")) == list(tmp_path.rglob(".tmp-*")) == []

    def test_uploading_no_file_is_not_a_missing_key(self, store: Store, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError, match="file to upload"):
            store.upload(tmp_path / "missing", "a")

    @pytest.mark.parametrize("key", BAD_KEYS)
    def test_a_key_that_could_mean_another_place_is_refused(self, store: Store, key: str) -> None:
        calls: list[Callable[[], object]] = [
            lambda: store.create(key, b"x"),
            lambda: store.replace(key, b"x"),
            lambda: store.read(key),
            lambda: store.exists(key),
            lambda: store.delete([key]),
            lambda: store.delete_tree(key),
            lambda: store.list(key or "/"),
        ]
        for call in calls:
            with pytest.raises(ValueError, match="Expected a key"):
                call()

    def test_the_probe_accepts_it_and_leaves_nothing(self, store: Store) -> None:
        store.probe()
        assert store.list("") == []

    def test_a_store_is_passed_on_by_url(self, store: Store) -> None:
        self.raw_write(store, "a", b"one")
        assert open_store(store.url).read("a") == b"one"
        with pytest.raises(TypeError, match="open_store"):
            pickle.dumps(store)

    @pytest.mark.usefixtures("impatient")
    def test_of_many_that_create_one_key_one_wins(self, store: Store) -> None:
        for number in range(self.rounds):
            key = f"race/{number}"
            won = in_threads(RACERS, partial(race_once, store, key))
            assert won.count(True) == 1
            assert self.raw_read(store, key) == body_of(won.index(True))

    @pytest.mark.usefixtures("impatient")
    def test_readers_never_see_half_an_object(self, store: Store) -> None:
        store.replace("a", body_of(0))

        def work(racer: int) -> None:
            for number in range(self.rounds):
                if racer:
                    check_whole(store.read("a"))
                else:
                    store.replace("a", body_of(number))

        in_threads(3, work)

    @pytest.fixture
    def impatient(self) -> Iterator[None]:
        """Threads that take turns as often as can be, so that races happen."""
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        yield
        sys.setswitchinterval(interval)


class StoreProcessTests(Backend):
    """The contract of a `Store` that several processes can reach by its url."""

    def test_of_processes_that_create_one_key_one_wins(self, store: Store) -> None:
        context = multiprocessing.get_context("spawn")
        barrier = context.Barrier(3)
        racers = [
            context.Process(target=race_process, args=(store.url, barrier, self.rounds, i))
            for i in range(3)
        ]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        assert [racer.exitcode for racer in racers] == [0, 0, 0]
        for number in range(self.rounds):
            claims = [name for name in store.list("won") if name.startswith(f"{number}-")]
            assert len(claims) == 1
            winner = int(claims[0].partition("-")[2])
            assert self.raw_read(store, f"race/{number}") == body_of(winner)


def body_of(racer: int) -> bytes:
    return bytes([racer]) * 300_000


def check_whole(data: bytes) -> None:
    assert data == body_of(data[0])


def race_once(store: Store, key: str, racer: int) -> bool:
    won = store.create(key, body_of(racer))
    check_whole(store.read(key))
    return won


def race_process(url: str, barrier: Barrier, rounds: int, racer: int) -> None:
    store = open_store(url)
    try:
        for number in range(rounds):
            barrier.wait()
            if race_once(store, f"race/{number}", racer):
                store.replace(f"won/{number}-{racer}", b"x")
    except BaseException:
        # Or the others would wait for us for ever.
        barrier.abort()
        raise
