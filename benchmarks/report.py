"""The table and the plot of what `quality.py` has found."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import standings
from problems import CURVES, PROBLEMS
from runners import Run

OURS = ("random", "sobol", "bayesian", "hyperband", "asha")
BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->\n"
Runs = dict[str, dict[str, list[Run]]]
"""By problem and oracle."""


def read(cache: Path) -> Runs:
    """What there is."""
    runs: Runs = defaultdict(lambda: defaultdict(list))
    for path in sorted(cache.glob("*/*.json")):
        oracle, seed = path.stem.rsplit("-", 1)
        if "-slots" not in oracle and seed.isdigit():
            runs[path.parent.name][oracle].append(Run(**json.loads(path.read_text())))
    return runs


def write(cache: Path, docs: Path) -> None:
    """Replaces the figures of docs/quality.md, and draws docs/quality.svg."""
    runs = read(cache)
    page = docs / "quality.md"
    before, rest = page.read_text().split(BEGIN)
    after = rest.split(END)[1]
    trainings = standings.sections(standings.read(cache))
    page.write_text(before + BEGIN + trainings + tables(runs) + END + after)
    plot(runs, docs / "quality.svg")


def tables(runs: Runs) -> str:
    """All tables, as Markdown."""
    shallow = [name for name in PROBLEMS if name in runs]
    deep = [name for name in CURVES if name in runs]
    parts = [
        "\n### Simple regret after 50 evaluations\n",
        table(runs, shallow, [50]),
        "\n### Simple regret after 100 evaluations\n",
        table(runs, shallow, [100]),
        "\n### Rank by median regret after 50 evaluations, 1 is the best\n",
        ranks(runs, shallow, 50),
        "\n### Learning curves: regret after 135 / 270 / 540 epochs of all trials together\n",
        table(runs, deep, [135, 270, 540]),
        "\n### CPU milliseconds per proposal, mean over a whole search\n",
        costs(runs, [*shallow, *deep]),
        "\n",
    ]
    return "\n".join(parts)


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _head(names: list[str]) -> list[str]:
    return [_row(["oracle", *names]), _row(["---"] * (len(names) + 1))]


def _oracles(runs: Runs, problems: list[str]) -> list[str]:
    found = {oracle for problem in problems for oracle in runs[problem]}
    return sorted(found, key=lambda name: (not name.startswith(OURS), name))


def table(runs: Runs, problems: list[str], costs_at: list[int]) -> str:
    """Median [quartiles] (seeds) of the regret; the best median of a problem is bold."""
    oracles = _oracles(runs, problems)
    medians = {
        (p, o): [float(np.median([r.at(c) for r in runs[p][o]])) for c in costs_at]
        for p in problems
        for o in runs[p]
        if max(run.costs[-1] for run in runs[p][o]) >= costs_at[-1] * 0.9
    }
    lines = _head(problems)
    for oracle in oracles:
        cells = []
        for problem in problems:
            if (problem, oracle) not in medians:
                cells.append("-")
                continue
            cells.append(_cell(runs[problem][oracle], problem, oracle, medians, costs_at))
        if set(cells) != {"-"}:
            lines.append(_row([f"**{oracle}**" if oracle.startswith(OURS) else oracle, *cells]))
    return "\n".join(lines) + "\n"


def _cell(
    found: list[Run],
    problem: str,
    oracle: str,
    medians: dict[tuple[str, str], list[float]],
    costs_at: list[int],
) -> str:
    parts = []
    for k in range(len(costs_at)):
        mine = medians[problem, oracle][k]
        best = min(values[k] for (p, _), values in medians.items() if p == problem)
        parts.append(f"**{mine:.2g}**" if mine == best else f"{mine:.2g}")
    low, high = np.quantile([run.at(costs_at[-1]) for run in found], [0.25, 0.75])
    return f"{' / '.join(parts)} [{low:.2g}, {high:.2g}] ({len(found)})"


def ranks(runs: Runs, problems: list[str], cost: int) -> str:
    """Each oracle's rank on each problem, and the median of these."""
    oracles = [o for o in _oracles(runs, problems) if all(o in runs[p] for p in problems)]
    lines = _head([*problems, "median"])
    medians = {
        p: {o: float(np.median([r.at(cost) for r in runs[p][o]])) for o in oracles}
        for p in problems
    }
    for oracle in oracles:
        places = [1 + sum(v < medians[p][oracle] for v in medians[p].values()) for p in problems]
        lines.append(_row([oracle, *map(str, places), f"{np.median(places):g}"]))
    return "\n".join(lines) + "\n"


def costs(runs: Runs, problems: list[str]) -> str:
    """Milliseconds of CPU time."""
    lines = _head(problems)
    for oracle in _oracles(runs, problems):
        cells = [
            f"{1000 * np.mean([r.cpu for r in runs[p][oracle]]):.1f}" if oracle in runs[p] else "-"
            for p in problems
        ]
        lines.append(_row([oracle, *cells]))
    return "\n".join(lines) + "\n"


def plot(runs: Runs, path: Path) -> None:
    """Median and quartiles of the regret so far, a panel for each problem."""
    try:
        import matplotlib as mpl
    except ImportError:
        print("no plot: matplotlib is not installed")
        return
    mpl.use("Agg")
    mpl.rcParams["svg.fonttype"] = "none"
    mpl.rcParams["svg.hashsalt"] = "trialflow"  # the same figures give the same file
    import matplotlib.pyplot as plt

    names = [name for name in [*PROBLEMS, *CURVES] if name in runs]
    figure, axes = plt.subplots(-(-len(names) // 3), 3, figsize=(15, 3.6 * -(-len(names) // 3)))
    everybody = sorted({oracle for name in names for oracle in runs[name]})
    colours = {name: plt.get_cmap("tab20")(k % 20) for k, name in enumerate(everybody)}
    for axis in axes.flat[len(names) :]:
        axis.set_visible(False)
    for name, axis in zip(names, axes.flat, strict=False):
        _panel(axis, name, runs[name], colours)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _panel(axis: object, name: str, of_oracle: dict[str, list[Run]], colours: dict) -> None:
    of_epochs = name in CURVES
    for oracle, found in sorted(of_oracle.items()):
        grid = np.arange(27, 541, 9) if of_epochs else np.arange(2, 101, 2)
        grid = grid[grid <= max(run.costs[-1] for run in found)]
        values = np.array([[run.at(int(c)) for c in grid] for run in found])
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
        width = 2.2 if oracle.startswith(OURS) else 1.0
        axis.plot(grid, middle, label=oracle, color=colours[oracle], lw=width)
        axis.fill_between(grid, low, high, color=colours[oracle], alpha=0.12, lw=0)
    axis.set_yscale("log")
    axis.set_title(name)
    axis.set_xlabel("epochs of all trials" if of_epochs else "evaluations")
    axis.set_ylabel("regret")
    axis.legend(fontsize=6)
