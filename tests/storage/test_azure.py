import fsspec
import pytest

from storage import StorageError, open_store
from storage.testing import JournalTests, LeaseTests, StoreProcessTests, StoreTests


@pytest.mark.story
# adlfs hands its blocks to aiohttp as they are.
@pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")
class TestAzure(StoreTests, StoreProcessTests, JournalTests, LeaseTests):
    rounds = 5

    @pytest.fixture
    def store(self, azure_url):
        return open_store(azure_url)

    def raw_read(self, store, key):
        return fsspec.filesystem("abfs", use_listings_cache=False).cat_file(f"{store.url}/{key}")

    def raw_write(self, store, key, data):
        fs = fsspec.filesystem("abfs", use_listings_cache=False)
        fs.pipe_file(f"{store.url}/{key}", data, overwrite=True)


@pytest.mark.story
def test_a_container_that_is_missing_is_named(azure_url):
    store = open_store("abfs://no-such-container/project")
    with pytest.raises(
        StorageError, match=r"(?s)container .* abfs://no-such-container/.* Create it"
    ):
        store.create("a", b"one")
