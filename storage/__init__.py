"""Search state on any fsspec store. Imports nothing of ours."""

from storage.check import Damage, JournalState, check_journal
from storage.documents import dump_json, parse_json, seal, unseal
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
from storage.journal import Entry, Journal
from storage.lease import Lease, lease_holder
from storage.local import LocalStore
from storage.opening import check_no_password, open_store
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
from storage.s3 import S3Store
from storage.scratch import scratch_folder
from storage.scratch import sweep as sweep_scratch
from storage.store import PROBE, Retry, Store
from storage.stored_file import StoredFile

__all__ = [
    "PROBE",
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
    "StoredFile",
    "TransientStoreError",
    "TrialPaths",
    "UnsafeStoreError",
    "check_journal",
    "check_no_password",
    "classify",
    "dump_json",
    "lease_holder",
    "open_store",
    "parse_json",
    "project_url",
    "repair_journal",
    "scratch_folder",
    "seal",
    "split_url",
    "sweep_scratch",
    "unseal",
    "validate_name",
]
