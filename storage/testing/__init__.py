"""The suites a storage backend passes: subclass them and say how to reach the backend.

Example:
    class TestMyStore(StoreTests, JournalTests, LeaseTests):
        @pytest.fixture
        def store(self): ...
        def raw_read(self, store, key): ...
        def raw_write(self, store, key, data): ...
"""

from storage.testing.backend import Backend, FakeTime
from storage.testing.journal import JournalTests
from storage.testing.lease import LeaseTests, elsewhere
from storage.testing.store import StoreProcessTests, StoreTests

__all__ = [
    "Backend",
    "FakeTime",
    "JournalTests",
    "LeaseTests",
    "StoreProcessTests",
    "StoreTests",
    "elsewhere",
]
