"""Whatever is done to a store, it answers like a dict."""

import shutil
import tempfile
import uuid

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from servers.s3 import BUCKET

from storage import KeyMissingError, LocalStore, open_store

# No key is a folder of another one: a disk refuses that, an object store does not.
KEYS = st.sampled_from(["a", "b/1", "b/2", "b/c/1", ".d/x", "e.f/g-h/i_j"])
FOLDERS = st.sampled_from(["", "b", "b/c", ".d", "e.f", "e.f/g-h", "nothing"])
DATA = st.binary(min_size=1, max_size=3)


class StoreMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.model = {}
        self.store = self.open()

    @rule(key=KEYS, data=DATA)
    def create(self, key, data):
        self.model.setdefault(key, data)
        assert self.store.create(key, data) == (self.model[key] == data)

    @rule(key=KEYS, data=st.binary(max_size=3))
    def replace(self, key, data):
        self.store.replace(key, data)
        self.model[key] = data

    @rule(key=KEYS, data=st.binary(max_size=3))
    def upload(self, key, data):
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            self.store.upload(file.name, key)
        self.model[key] = data

    @rule(key=KEYS)
    def read(self, key):
        try:
            assert self.store.read(key) == self.model[key]
        except KeyMissingError:
            assert key not in self.model

    @rule(keys=st.lists(KEYS, unique=True))
    def delete(self, keys):
        self.store.delete(keys)
        for key in keys:
            self.model.pop(key, None)

    @rule(prefix=FOLDERS.filter(bool))
    def delete_tree(self, prefix):
        self.store.delete_tree(prefix)
        self.model = {k: v for k, v in self.model.items() if not k.startswith(f"{prefix}/")}

    @rule(folder=FOLDERS)
    def list(self, folder):
        start = f"{folder}/" if folder else ""
        inside = {key.removeprefix(start) for key in self.model if key.startswith(start)}
        assert self.store.list(folder) == sorted({key.partition("/")[0] for key in inside})

    @rule(keys=st.lists(KEYS))
    def read_many(self, keys):
        expected = {key: self.model[key] for key in keys if key in self.model}
        assert self.store.read_many(keys) == expected

    @invariant()
    def it_has_the_keys_of_the_model(self):
        assert self.store.exists("b/1") == ("b/1" in self.model)
        assert not self.store.exists("b")


class LocalMachine(StoreMachine):
    def open(self):
        return LocalStore(tempfile.mkdtemp(), durable=False)

    def teardown(self):
        shutil.rmtree(self.store.url)


class MemoryMachine(StoreMachine):
    def open(self):
        return open_store(f"memory://{uuid.uuid4().hex}")

    def teardown(self):
        self.store.delete(self.model)


class S3Machine(StoreMachine):
    def open(self):
        return open_store(f"s3://{BUCKET}/{uuid.uuid4().hex}")

    def teardown(self):
        self.store.delete(self.model)


LAWS = settings(max_examples=50, stateful_step_count=20, deadline=None)
TestLocalLaws = LocalMachine.TestCase
TestLocalLaws.settings = LAWS
TestMemoryLaws = MemoryMachine.TestCase
TestMemoryLaws.settings = LAWS
TestS3Laws = pytest.mark.story(pytest.mark.usefixtures("s3_server")(S3Machine.TestCase))
TestS3Laws.settings = settings(LAWS, max_examples=8, stateful_step_count=15)
