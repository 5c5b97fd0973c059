import logging
import pickle

import fsspec
import pytest
from servers.s3 import CREDENTIALS

from storage import Journal, S3Store, StoreDeniedError, open_store
from storage.testing import JournalTests, LeaseTests, StoreProcessTests, StoreTests


@pytest.mark.story
class TestS3(StoreTests, StoreProcessTests, JournalTests, LeaseTests):
    rounds = 5

    @pytest.fixture
    def store(self, s3_url, s3_server):
        self.server = s3_server
        return open_store(s3_url)

    def path(self, store, key):
        return f"/{store.url.removeprefix('s3://')}/{key}"

    def raw_read(self, store, key):
        return self.server.ask("GET", self.path(store, key))

    def raw_write(self, store, key, data):
        self.server.ask("PUT", self.path(store, key), data)


@pytest.fixture
def store(s3_url):
    return open_store(s3_url)


def test_each_operation_is_one_request(store, s3_server, tmp_path):
    def requests(operation):
        before = len(s3_server.requests())
        operation()
        return [
            "LIST" if "list-type" in query else method
            for method, _, query in s3_server.requests()[before:]
        ]

    (tmp_path / "up").write_bytes(b"one")
    assert requests(lambda: store.create("a/b", b"one")) == ["PUT"]
    assert requests(lambda: store.create("a/b", b"two")) == ["PUT", "GET"]
    assert requests(lambda: store.replace("a/b", b"one")) == ["PUT"]
    assert requests(lambda: store.read("a/b")) == ["GET"]
    assert requests(lambda: store.exists("a/b")) == ["HEAD"]
    assert requests(lambda: store.exists("a/c")) == ["HEAD"]
    assert requests(lambda: store.read_many(["a/b", "a/c"])) == ["GET", "GET"]
    assert requests(lambda: store.list("a")) == ["LIST"]
    assert requests(lambda: store.list("nothing")) == ["LIST"]
    assert requests(lambda: store.upload(tmp_path / "up", "a/c")) == ["PUT"]
    assert requests(lambda: store.download("a/c", tmp_path / "down")) == ["GET"]
    assert requests(lambda: store.delete(["a/c"])) == ["DELETE"]


def test_a_listing_of_many_pages_is_read_whole(store, monkeypatch):
    keys = [f"a/{number}" for number in range(5)]
    for key in keys:
        store.replace(key, b"x")
    ask = store._fs.call_s3
    two = lambda method, **request: ask(method, MaxKeys=2, **request)  # noqa: E731
    monkeypatch.setattr(store._fs, "call_s3", two)
    assert store.list("a") == [key[2:] for key in keys]


def test_a_mark_that_a_console_leaves_for_a_folder_is_no_object(store, s3_server):
    s3_server.ask("PUT", f"/{store.url[5:]}/a/", b"")
    s3_server.ask("PUT", f"/{store.url[5:]}/a/b/", b"")
    assert store.list("a") == ["b"]
    assert store.list("") == ["a"]


def test_a_bucket_itself_is_a_store(s3_url, s3_server):
    bucket, name, _ = s3_url.removeprefix("s3://").split("/")
    open_store(s3_url).replace("a", b"one")
    root = open_store(f"s3://{bucket}")
    assert root.read(f"{name}/project/a") == b"one"
    assert name in root.list("")


def test_what_others_set_for_their_own_use_of_s3_stays(store, s3_server):
    fs = fsspec.filesystem("s3")
    store.replace("a", b"one")
    assert fs.retries > 1
    assert fs is not store._fs


def test_settings_of_the_user_hold_but_for_the_cache(s3_url):
    ours = {"read_timeout": 7, "signature_version": "s3v4"}
    store = S3Store(s3_url, {"config_kwargs": ours, "use_listings_cache": True})
    for fs in (store._fs, store._files):
        assert ours.items() <= fs.config_kwargs.items()
        assert fs.config_kwargs["connect_timeout"] == 5
        assert fs.storage_options["use_listings_cache"] is False


@pytest.mark.story
def test_a_fork_opens_its_own_connections(s3_url, run_python):
    done = run_python(
        """
        import os, sys
        from storage import open_store
        store = open_store(sys.argv[1])
        store.replace("a", b"parent")
        for name in ("b", "c"):
            child = os.fork()
            if not child:
                assert store.create(name, b"child")
                assert store.read_many(["a", name]) == {"a": b"parent", name: b"child"}
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
            assert store.read(name) == b"child"
        print("done")
        """,
        s3_url,
    )
    assert done.stdout.read() == "done\n"


SECRETS = [CREDENTIALS["AWS_SECRET_ACCESS_KEY"], CREDENTIALS["AWS_ACCESS_KEY_ID"]]


def test_credentials_are_written_logged_and_pickled_nowhere(s3_url, s3_server, caplog, monkeypatch):
    key, secret = SECRETS[1], SECRETS[0]
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    store = open_store(s3_url, key=key, secret=secret)
    with caplog.at_level(logging.DEBUG, "storage"):
        Journal(store, owner="me").append([{"n": 0}])
        s3_server.fault(403, "/a$")
        with pytest.raises(StoreDeniedError) as caught:
            store.create("a", b"one")
    with pytest.raises(TypeError) as pickling:
        pickle.dumps(store)
    words = [repr(store), str(store), caplog.text, str(pickling.value)]
    error = caught.value
    while error is not None:
        words += [repr(error), str(vars(error))]
        error = error.__cause__
    written = store.read_many(["journal/000000/000000000.json"])
    words += [str(written)]
    assert not [each for each in words if key in each or secret in each]


@pytest.mark.story
def test_without_credentials_the_message_says_so(s3_url, monkeypatch, tmp_path):
    for name in CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    store = S3Store(s3_url, {"config_kwargs": {"connect_timeout": 4}})
    with pytest.raises(StoreDeniedError, match=r"NoCredentialsError.*Check rights and credentials"):
        store.read("a")
