"""`make chaos`: runs a campaign, and prints the table of docs/reliability.md."""

import argparse
import platform
import sys
import tempfile
import time

from chaos.campaign import KINDS, Campaign


def table_of(report):
    """Markdown: how often each fault happened, and what came of it."""
    rows = [f"| {kind} | {report.faults[kind]} |" for kind in KINDS]
    total = sum(report.faults.values())
    return "\n".join(["| fault | times |", "|---|---:|", *rows, f"| **all** | **{total}** |"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    told = parser.parse_args()
    command = f"make chaos CHAOS_FAULTS={told.faults} CHAOS_SEED={told.seed}"
    print(command, flush=True)
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        report = Campaign(told.seed, folder).run(told.faults)
    print(table_of(report))
    print(
        f"{report.searches} searches, {report.trials} trials, {report.lives} processes, "
        f"{report.seconds:.0f} s, Python {platform.python_version()} on {platform.system()}"
    )
    for problem in report.problems:
        print("PROBLEM", problem)
    print(f"{len(report.problems)} problems")
    sys.exit(bool(report.problems))


if __name__ == "__main__":
    main()
