"""The public suites of stores, against real servers of S3 and of Google's storage."""

import os
import urllib.parse
import urllib.request

import pytest

from storage import open_store
from storage.testing import JournalTests, LeaseTests, StoreProcessTests, StoreTests


class TestSeaweedFS(StoreTests, StoreProcessTests, JournalTests, LeaseTests):
    rounds = 25
    keeps_empty_folders = True

    @pytest.fixture
    def store(self, seaweedfs_url):
        return open_store(seaweedfs_url)

    def client(self):
        import boto3

        return boto3.client("s3")

    def at(self, store, key):
        bucket, _, rest = store.url.removeprefix("s3://").partition("/")
        return {"Bucket": bucket, "Key": f"{rest}/{key}"}

    def raw_read(self, store, key):
        return self.client().get_object(**self.at(store, key))["Body"].read()

    def raw_write(self, store, key, data):
        self.client().put_object(**self.at(store, key), Body=data)


# gcsfs hands its parts to aiohttp as they are.
@pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")
class TestFakeGCS(StoreTests, StoreProcessTests, JournalTests, LeaseTests):
    rounds = 25

    @pytest.fixture
    def store(self, gcs_url):
        return open_store(gcs_url)

    def url_of(self, store, key, *, upload=False):
        bucket, _, rest = store.url.removeprefix("gs://").partition("/")
        name = urllib.parse.quote(f"{rest}/{key}", safe="")
        host = os.environ["STORAGE_EMULATOR_HOST"]
        if upload:
            return f"{host}/upload/storage/v1/b/{bucket}/o?uploadType=media&name={name}"
        return f"{host}/storage/v1/b/{bucket}/o/{name}?alt=media"

    def raw_read(self, store, key):
        with urllib.request.urlopen(self.url_of(store, key)) as answer:
            return answer.read()

    def raw_write(self, store, key, data):
        url = self.url_of(store, key, upload=True)
        urllib.request.urlopen(urllib.request.Request(url, data, method="POST")).close()
