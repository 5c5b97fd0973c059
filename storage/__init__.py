"""Search state on any fsspec store. Imports nothing of ours."""

from storage.errors import (
    CorruptError,
    FencedError,
    KeyMissingError,
    LeaseHeldError,
    NewerFormatError,
    StorageError,
    StoreDeniedError,
    StoreFullError,
    TransientStoreError,
    UnsafeStoreError,
    classify,
)
from storage.journal import Entry, Journal
from storage.lease import Lease, lease_holder
from storage.local import LocalStore
from storage.opening import open_store
from storage.owner import Owner
from storage.paths import ExecutionPaths, ProjectPaths, TrialPaths, project_url, validate_name
from storage.remote import FsspecStore, MemoryStore
from storage.retry import Retry
from storage.store import Store

__all__ = [
    "CorruptError",
    "Entry",
    "ExecutionPaths",
    "FencedError",
    "FsspecStore",
    "Journal",
    "KeyMissingError",
    "Lease",
    "LeaseHeldError",
    "LocalStore",
    "MemoryStore",
    "NewerFormatError",
    "Owner",
    "ProjectPaths",
    "Retry",
    "StorageError",
    "Store",
    "StoreDeniedError",
    "StoreFullError",
    "TransientStoreError",
    "TrialPaths",
    "UnsafeStoreError",
    "classify",
    "lease_holder",
    "open_store",
    "project_url",
    "validate_name",
]
