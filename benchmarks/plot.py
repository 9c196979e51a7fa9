"""Draws what ``bench.py --json`` measured: ``python benchmarks/plot.py medians.json docs/images/performance.svg``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot

SHOWN = {
    "projects that use NNX": "projects that use NNX",
    "their files that name nnx": "their files that name nnx\n(seconds of the processor)",
    "10,000 files without a candidate": "10,000 files that\nhave nothing to do with NNX",
    "one small file with a finding": "one small file\nwith a finding",
}
"""The contests that compare whole commands."""


def draw(medians: dict[str, dict[str, float]], path: Path) -> None:
    """Draw one group of bars for each contest, on a logarithmic scale of seconds."""
    matplotlib.rcParams.update({"svg.hashsalt": "nnx", "font.size": 9})
    figure, axes = pyplot.subplots(figsize=(7.5, 5))
    place, ticks = 0.0, []
    for title, label in SHOWN.items():
        if title not in medians:
            continue
        bars = sorted(medians[title].items(), key=lambda bar: bar[1])
        for offset, (name, seconds) in enumerate(bars):
            colour = "#3f51b5" if name.startswith("nnx-fix") else "#b0b4c8"
            axes.barh(place + offset, seconds, color=colour, height=0.8)
            axes.text(seconds * 1.08, place + offset, f"{name}  {seconds:.3g} s", va="center")
        ticks.append((place + (len(bars) - 1) / 2, label))
        place += len(bars) + 0.8
    axes.set_xscale("log")
    axes.set_xlim(right=axes.get_xlim()[1] * 9)
    axes.set_yticks([tick for tick, _ in ticks], [label for _, label in ticks])
    axes.invert_yaxis()
    axes.set_xlabel("seconds, median; logarithmic")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
