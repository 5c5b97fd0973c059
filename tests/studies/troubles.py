"""A study without Keras whose trials come to grief, each in a way of its own."""

import ctypes
import os
import sys
import time

import numpy as np

from tuner import BaseTuner, Objective
from tuner.oracles import RandomSearchOracle

MEGABYTE = 2**20


def allocate(megabytes=10_000):
    held = []
    for _ in range(megabytes // 20):
        held.append(bytearray(b"x" * 20 * MEGABYTE))
        print("one more", flush=True)  # on a busy machine this may take a while
        time.sleep(0.02)
    return held


def fork_a_helper_that_allocates():
    if os.fork() == 0:
        allocate()
        os._exit(0)
    os.wait()


def fork_a_helper_and_go():
    if os.fork() == 0:
        print(f"helper {os.getpid()}", flush=True)
        time.sleep(600)
        os._exit(0)


def talk_for_ever():
    while True:
        print("still here", flush=True)
        time.sleep(0.05)


def stand_still_here():
    time.sleep(600)


WAYS = [
    lambda: None,
    lambda: ctypes.string_at(0),  # a segmentation fault
    lambda: os._exit(3),
    lambda: sys.exit(4),
    allocate,
    fork_a_helper_that_allocates,
    fork_a_helper_and_go,
    stand_still_here,
    talk_for_ever,
    lambda: np.zeros(10**15),  # numpy says that there is no such memory
    lambda: None,
]


class Troubles(BaseTuner):
    def run_trial(self, trial):
        x = trial.hyperparameters.Float("x", -1.0, 1.0)
        print(f"process {os.getpid()}")
        WAYS[int(trial.trial_id)]()
        return {"square": x**2}


def build_tuner(**project):
    oracle = RandomSearchOracle(
        Objective("square", "min"),
        max_trials=len(WAYS),
        seed=3,
        max_consecutive_failed_trials=len(WAYS),
    )
    return Troubles(oracle, **project)
