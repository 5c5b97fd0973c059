"""Processes that die with their parent, however the parent died."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int, sig: int = signal.SIGKILL) -> None:
    """Has the kernel signal this process when its parent ends; at once if it has ended already.

    The kernel delivers it even while C code holds the GIL, which a watching thread cannot. It
    follows the *thread* that made this process, so that thread has to live as long as the parent
    should be served. Linux only; elsewhere the child notices its closed pipe.

    Args:
        parent: The process id of the parent.
        sig: The signal to get.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, sig)
    if os.getppid() != parent:
        os._exit(1)
