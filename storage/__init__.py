"""Search state on any fsspec store. Imports nothing of ours."""

from storage.check import Damage, JournalState, check_journal
from storage.entry import Entry
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
)
from storage.faults import classify
from storage.journal import Journal
from storage.lease import Lease, lease_holder
from storage.local import LocalStore
from storage.opening import open_store
from storage.owner import Owner
from storage.paths import (
    ExecutionPaths,
    ProjectPaths,
    TrialPaths,
    project_url,
    split_url,
    validate_name,
)
from storage.remote import FsspecStore, MemoryStore
from storage.repair import Aside, repair_journal
from storage.retry import Retry
from storage.s3 import S3Store
from storage.store import Store

__all__ = [
    "Aside",
    "CorruptError",
    "Damage",
    "Entry",
    "ExecutionPaths",
    "FencedError",
    "FsspecStore",
    "Journal",
    "JournalState",
    "KeyMissingError",
    "Lease",
    "LeaseHeldError",
    "LocalStore",
    "MemoryStore",
    "NewerFormatError",
    "Owner",
    "ProjectPaths",
    "Retry",
    "S3Store",
    "StorageError",
    "Store",
    "StoreDeniedError",
    "StoreFullError",
    "TransientStoreError",
    "TrialPaths",
    "UnsafeStoreError",
    "check_journal",
    "classify",
    "lease_holder",
    "open_store",
    "project_url",
    "repair_journal",
    "split_url",
    "validate_name",
]
