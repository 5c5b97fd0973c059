"""The disk fails: the message says what to do, and the same append goes on afterwards."""

import shutil
import subprocess

import pytest

from storage import Journal, LocalStore

# What `break_it` and `mend` do is in front; what `journal` says of it is printed.
STORY = """
    journal = Journal(LocalStore(sys.argv[1]), owner="me")
    for n in range(3):
        journal.append([{"n": n}])
    break_it()
    for _ in range(2):
        try:
            journal.append([{"n": 3, "text": "x" * 5000}])
        except StorageError as error:
            print(type(error).__name__, error)
    mend()
    entry = journal.append([{"n": 3, "text": "x" * 5000}])
    journal.append([{"n": 4}])
"""
START = """
    import os, resource, signal, sys
    from pathlib import Path
    from storage import Journal, LocalStore, StorageError
"""
SIZE_LIMIT = """
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limit = lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    break_it = lambda: limit(1000)
    mend = lambda: limit(resource.RLIM_INFINITY)
"""
DENIED = """
    folder = Path(sys.argv[1], "journal", "000000")
    def break_it():
        folder.chmod(0o555)
        if os.getuid() == 0:
            os.seteuid(65534)
    def mend():
        os.seteuid(os.getuid())
        folder.chmod(0o755)
"""
# On a small disk of its own, which nobody else sees and which is gone with the process.
FULL = """
    import shutil
    ballast = Path(sys.argv[1], "ballast")
    def break_it():
        with ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(1024))
            except OSError:
                pass
    mend = ballast.unlink
"""
KEEP = """
    shutil.copytree(Path(sys.argv[1], "journal"), Path(sys.argv[2], "journal"))
"""


def check(output, name, words, folder):
    lines = output.splitlines()
    assert len(lines) == 2
    for line in lines:
        assert line.startswith(name)
        assert "journal/000000/000000003.json" in line
        assert words in line
    entries = Journal(LocalStore(folder), owner="reader").load()
    assert [entry.events[0]["n"] for entry in entries] == [0, 1, 2, 3, 4]
    assert not [*folder.rglob(".tmp-*")]


@pytest.mark.parametrize(
    ("fault", "name", "words"),
    [
        (SIZE_LIMIT, "StoreFullError", "Free some and go on."),
        (DENIED, "StoreDeniedError", "Check rights and credentials."),
    ],
)
def test_after_a_fault_of_the_disk_the_same_append_goes_on(
    tmp_path, run_python, fault, name, words
):
    done = run_python(START + fault + STORY, tmp_path)
    check(done.stdout.read(), name, words, tmp_path)


def test_after_the_disk_was_full_the_same_append_goes_on(tmp_path, run_python):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = ["unshare", "-Urm", "sh", "-c", 'mount -t tmpfs -o size=64k none "$0"', str(disk)]
    if not shutil.which("unshare") or subprocess.run(mounted, check=False).returncode:
        pytest.skip("no right to mount a disk in a namespace of our own")
    prefix = ["unshare", "-Urm", "sh", "-c", 'mount -t tmpfs -o size=64k none "$0" && exec "$@"']
    done = run_python(START + FULL + STORY + KEEP, disk, tmp_path, prefix=[*prefix, str(disk)])
    check(done.stdout.read(), "StoreFullError", "Free some and go on.", tmp_path)
