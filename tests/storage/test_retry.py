import errno
import pickle

import pytest

from storage import (
    FencedError,
    KeyMissingError,
    LeaseHeldError,
    MemoryStore,
    Owner,
    Retry,
    StorageError,
    StoreDeniedError,
    StoreFullError,
    TransientStoreError,
    classify,
)
from storage.errors import KeyExistsError
from storage.faults import explain
from storage.testing import FakeTime


class HttpError(Exception):
    """As gcsfs, azure, aiohttp or botocore would raise it."""

    def __init__(self, **attributes):
        super().__init__("http")
        vars(self).update(attributes)


def caused(error, cause):
    error.__cause__ = cause
    return error


def of(module, name="Error"):
    return type(name, (Exception,), {"__module__": module})()


def coded(status, code):
    metadata = {"HTTPStatusCode": status}
    return HttpError(response={"ResponseMetadata": metadata, "Error": {"Code": code}})


S3_ERROR = HttpError(response={"ResponseMetadata": {"HTTPStatusCode": 412}})


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (of("botocore.exceptions", "ConnectionError"), "transient"),
        (FileExistsError(), "exists"),
        (HttpError(code=412), "exists"),
        (caused(OSError(errno.EINVAL, "412"), S3_ERROR), "exists"),
        (FileNotFoundError(), "missing"),
        (HttpError(status=404), "missing"),
        (PermissionError(), "denied"),
        (OSError(errno.EROFS, "read-only"), "denied"),
        (HttpError(status_code=403), "denied"),
        (of("botocore.exceptions", "NoCredentialsError"), "denied"),
        (OSError(errno.ENOSPC, "full"), "full"),
        (OSError(errno.EIO, "io"), "transient"),
        (TimeoutError(), "transient"),
        (ConnectionResetError(), "transient"),
        (HttpError(code=409), "transient"),
        (HttpError(status_code=503), "transient"),
        (of("aiohttp.client_exceptions", "ClientConnectionError"), "transient"),
        (of("botocore.exceptions", "NoRegionError"), "fatal"),
        (of("google.auth.exceptions", "RefreshError"), "denied"),
        (OSError(errno.EINVAL, "invalid"), "fatal"),
        (HttpError(code="x", response={}), "fatal"),
        (HttpError(code=400), "fatal"),
        (HttpError(status=507), "full"),
        (HttpError(status_code=501), "fatal"),
        (caused(OSError(errno.EIO, "quota"), coded(403, "QuotaExceeded")), "full"),
        (caused(OSError(errno.EINVAL, "digest"), coded(400, "BadDigest")), "transient"),
        (ValueError(), "fatal"),
    ],
)
def test_an_error_is_known_by_its_status_or_number(error, fault):
    kinds = {
        "exists": KeyExistsError,
        "missing": KeyMissingError,
        "denied": StoreDeniedError,
        "full": StoreFullError,
        "transient": TransientStoreError,
        "fatal": StorageError,
    }
    assert classify(error) == fault
    explained = explain(error, "memory://here/a")
    assert type(explained) is kinds[fault]
    assert "memory://here/a" in str(explained)


def test_errors_survive_pickling():
    for error in (FencedError(3, "me:1"), LeaseHeldError(Owner.of_this_process(), 5.0)):
        again = pickle.loads(pickle.dumps(error))
        assert vars(again) == vars(error)
        assert str(again) == str(error)


def failing(error):
    raise error


def test_what_passes_is_tried_again_with_growing_pauses_until_the_time_is_up():
    time = FakeTime()
    pauses = []
    retry = Retry(
        seconds=10,
        clock=time,
        sleep=lambda pause: (pauses.append(pause), time.sleep(pause)),
        chance=lambda: 1.0,
    )
    with pytest.raises(TimeoutError):
        retry(lambda: failing(TimeoutError()))
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2]


def test_pauses_are_jittered_and_bounded():
    time = FakeTime()
    pauses = []
    sleep = lambda pause: (pauses.append(pause), time.sleep(pause))  # noqa: E731
    retry = Retry(seconds=60, longest=2, clock=time, sleep=sleep, chance=lambda: 0.0)
    with pytest.raises(TimeoutError):
        retry(lambda: failing(TimeoutError()))
    assert pauses[0] == 0.05
    assert max(pauses) == 1.0
    assert time.now <= 60


def test_what_does_not_pass_is_not_tried_again():
    retry = Retry(sleep=lambda _: pytest.fail("slept"))
    with pytest.raises(PermissionError):
        retry(lambda: failing(PermissionError()))


def test_a_store_that_keeps_failing_says_so():
    class Down(MemoryStore):
        def _replace(self, key, data):
            raise ConnectionRefusedError("down")

    time = FakeTime()
    store = Down("memory://down", {}, retry=Retry(clock=time, sleep=time.sleep))
    with pytest.raises(TransientStoreError, match=r"memory://down/a.*ConnectionRefusedError: down"):
        store.replace("a", b"x")
    assert 50 < time.now <= 60
