"""Does a second slot pay? The digits search with one slot and with two, in turn.

    .venv/bin/python benchmarks/slots.py [--trials 8] [--rounds 3]

Prints the wall time of each search, the sum of its trials' times, and the ratio, pair by pair.
Starting Prefect's server is left out: one is started for all of them.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from flows.server import prefect_server

STUDY = Path(__file__).resolve().parent.parent / "examples" / "digits.py"


def search(slots: int, trials: int, api: str) -> float:
    """Wall seconds of one search in a fresh project."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["search", str(STUDY), "--directory", folder, "--json"]
        options = ["--slots", str(slots), "--max-trials", str(trials)]
        env = {**os.environ, "PREFECT_API_URL": api}
        run = subprocess.run(
            [sys.executable, "-m", "flows", *words, *options],
            env=env,
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    result = json.loads(run.stdout)
    best = f"best {result['best']['score']:.4f}"
    print(f"{slots} slots: {result['seconds']:6.1f} s for {trials} trials, {best}", flush=True)
    return float(result["seconds"])


def main() -> None:
    """Runs the pairs and prints their median ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    ratios = []
    with prefect_server(print) as url:
        for _ in range(options.rounds):
            one, two = (search(slots, options.trials, f"{url}/api") for slots in (1, 2))
            ratios.append(one / two)
    print(f"one slot / two slots: {statistics.median(ratios):.2f} (median of {len(ratios)})")


if __name__ == "__main__":
    main()
