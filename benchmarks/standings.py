"""What the oracles found among real trainings: regret, ranks, and pairs won against each peer."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from duels import pairs_won, share
from runners import Run
from tables import DEVELOPED_ON, HELD_OUT, TABLES

OURS = "bayesian"
COSTS = (20, 50, 100)
Searches = dict[str, dict[str, dict[int, Run]]]
"""By table, oracle and seed."""


def read(cache: Path) -> Searches:
    """The searches of tables that are kept; several slots at once left out."""
    found: Searches = defaultdict(lambda: defaultdict(dict))
    for table in TABLES:
        for path in sorted((cache / table).glob("*.json")):
            oracle, seed = path.stem.rsplit("-", 1)
            if "-slots" not in oracle and seed.isdigit():
                found[table][oracle][int(seed)] = Run(**json.loads(path.read_text()))
    return found


def sections(found: Searches) -> str:
    """All of it, as Markdown; nothing where no table was searched."""
    if not found:
        return ""
    groups = {"all tables": TABLES, "held out": HELD_OUT, "developed on": DEVELOPED_ON}
    parts = []
    for title, names in groups.items():
        there = [name for name in names if name in found]
        if there:
            parts += [
                f"\n### Real trainings, {title}: mean regret, and pairs that `{OURS}` wins\n",
                summary(found, there),
            ]
    parts += [
        "\n### Real trainings, table by table: mean regret after 50 evaluations\n",
        by_table(found, 50),
    ]
    return "\n".join(parts)


def summary(found: Searches, names: list[str]) -> str:
    """A row for each oracle: regrets, rank, and the share of pairs that ours wins."""
    oracles = _oracles(found, names)
    ranks = _ranks(found, names, oracles)
    head = [f"regret after {cost}" for cost in COSTS] + ["rank", "seeds"]
    head += [f"won after {cost}" for cost in COSTS]
    lines = [_row(["oracle", *head]), _row(["---"] * (len(head) + 1))]
    for oracle in oracles:
        cells = [_decimal(_mean(found, names, oracle, cost)) for cost in COSTS]
        cells += [f"{ranks[oracle]:.1f}", str(min(len(found[n][oracle]) for n in names))]
        for cost in COSTS:
            mine, other = ([found[n][o] for n in names] for o in (OURS, oracle))
            pairs = [] if oracle == OURS else pairs_won(mine, other, cost)
            cells.append(str(share(pairs)) if pairs else "")
        lines.append(_row([f"**{oracle}**" if oracle == OURS else oracle, *cells]))
    return "\n".join(lines) + "\n"


def by_table(found: Searches, cost: int) -> str:
    """A row for each table, a column for each oracle; the least regret in bold."""
    names = [name for name in TABLES if name in found]
    oracles = _oracles(found, names)
    lines = [_row(["table", *oracles]), _row(["---"] * (len(oracles) + 1))]
    for name in names:
        means = [_mean(found, [name], oracle, cost) for oracle in oracles]
        best = min(means)
        cells = [f"**{_decimal(m)}**" if m == best else _decimal(m) for m in means]
        lines.append(_row([name, *cells]))
    return "\n".join(lines) + "\n"


def _oracles(found: Searches, names: Iterable[str]) -> list[str]:
    """Those that searched all of the tables, ours first."""
    common = set.intersection(*(set(found[name]) for name in names))
    return sorted(common, key=lambda oracle: (oracle != OURS, oracle))


def _mean(found: Searches, names: list[str], oracle: str, cost: int) -> float:
    means = [np.mean([run.at(cost) for run in found[n][oracle].values()]) for n in names]
    return float(np.mean(means))


def _ranks(found: Searches, names: list[str], oracles: list[str]) -> dict[str, float]:
    """The mean over tables and costs of the rank by mean regret, 1 is the best."""
    places = defaultdict(list)
    for name in names:
        for cost in COSTS:
            means = {oracle: _mean(found, [name], oracle, cost) for oracle in oracles}
            for oracle, mean in means.items():
                below = sum(other < mean for other in means.values())
                level = sum(other == mean for other in means.values())
                places[oracle].append(below + (level + 1) / 2)
    return {oracle: float(np.mean(of)) for oracle, of in places.items()}


def _decimal(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 or value == 0 else f"{value:.1g}"  # noqa: PLR2004


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
