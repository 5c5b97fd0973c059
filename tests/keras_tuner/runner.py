"""Runs programs written for Keras Tuner, several in one process: TensorFlow takes seconds to start.

    python runner.py [--genuine] FOLDER PROGRAM...

A program runs in a folder of its own under FOLDER; one named twice runs twice in the same folder.
Each prints one line of JSON when it has ended. With `--genuine` the programs run on Keras Tuner
itself, to see that they are right.
"""

import contextlib
import gc
import io
import json
import os
import runpy
import sys
import time
import traceback
from pathlib import Path

import keras
import tensorflow as tf


def run(program, folder):
    """One program in one folder; what happened."""
    folder.mkdir(parents=True, exist_ok=True)
    before, state = Path.cwd(), dict(os.environ)
    os.chdir(folder)
    printed = io.StringIO()
    error = None
    began = time.process_time()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            runpy.run_path(str(program), run_name="__main__")
    except BaseException:  # noqa: BLE001 - the programs after it run all the same
        error = traceback.format_exc()
    os.chdir(before)
    os.environ.clear()
    os.environ.update(state)
    return {
        "program": program.stem,
        "seconds": round(time.process_time() - began, 1),
        "error": error,
        "printed": printed.getvalue()[-4000:] if error else printed.getvalue()[-200:],
    }


def main(words):
    genuine = words[0] == "--genuine"
    folder, *programs = words[1:] if genuine else words
    # Compiling a graph takes seconds, and there are a few samples to run through it.
    tf.config.run_functions_eagerly(True)
    # Each trial collects the garbage, and need not look at all of TensorFlow for it.
    gc.freeze()
    if not genuine:
        from tuner.compat import alias_keras_tuner

        alias_keras_tuner()
    folder = Path(folder).resolve()
    for name in programs:
        program = Path(name).resolve()
        print(json.dumps(run(program, folder / program.stem)), flush=True)
        keras.utils.clear_session()
        gc.collect()


if __name__ == "__main__":
    main(sys.argv[1:])
