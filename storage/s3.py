"""A store on S3, or what speaks its language."""

from collections.abc import Iterator, Mapping
from typing import Any

from storage.errors import UnsafeStoreError
from storage.faults import status_of
from storage.remote import FsspecStore

_NOT_IMPLEMENTED = 501


class S3Store(FsspecStore):
    """Objects of a bucket.

    Where s3fs would ask more than once, since it must tell files from folders, we ask once.
    """

    def _file_system(self, options: Mapping[str, Any]) -> Any:
        fs = super()._file_system(options)
        # Above the attempts of botocore, and below our own.
        fs.retries = 1
        return fs

    def _create(self, key: str, data: bytes) -> None:
        try:
            super()._create(key, data)
        except OSError as error:
            if status_of(error) != _NOT_IMPLEMENTED:
                raise
            raise UnsafeStoreError(
                f"Expected {self} to know conditional writes, which keep two searches from mixing. "
                f"Received: error={error}. Use a local disk, or an object store that knows them."
            ) from error

    def _exists(self, key: str) -> bool:
        bucket, name = self._address(key)
        try:
            self._fs.call_s3("head_object", Bucket=bucket, Key=name)
        except FileNotFoundError:
            return False
        return True

    def _list(self, prefix: str) -> list[str]:
        bucket, folder = self._address(f"{prefix}/" if prefix else "")
        names = []
        for page in self._pages(Bucket=bucket, Prefix=folder, Delimiter="/"):
            names += [each["Key"] for each in page.get("Contents", ())]
            names += [each["Prefix"] for each in page.get("CommonPrefixes", ())]
        inside = (name.removeprefix(folder).rstrip("/") for name in names)
        # Some consoles mark a folder by an empty object of its name.
        return [name for name in inside if name]

    def _pages(self, **request: Any) -> Iterator[dict[str, Any]]:
        while True:
            with self._in_a_bucket():
                page = self._fs.call_s3("list_objects_v2", **request)
            yield page
            if not page.get("IsTruncated"):
                return
            request["ContinuationToken"] = page["NextContinuationToken"]

    def _address(self, key: str) -> tuple[str, str]:
        bucket, _, name = self._path(key).partition("/")
        return bucket, name
