"""Traversals as SVG: legible in light and dark, with the same words as alternative text. See ``assets/extra.css``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from flake8_nnx_treemap.reporting.traversals import Node, Panel, Traversal, panels

WIDTH = 344
ROW = 30
INDENT = 18
LEFT = 6
BOX = 22
CHARACTER = 6.65
"""Width of a character of the 11 px monospace that labels are set in, with room to spare."""

MARKS = {"good": "✓", "bad": "✗", "missed": "↓", "plain": "·"}


def figure(before: Iterable[Traversal], after: Iterable[Traversal], tree: str, fixed: str = "after the fix") -> str:
    """Draw a program before and after its fix: one picture for each way it has behaved."""
    pictures = [_picture(panel, "as written") for panel in panels(before)]
    pictures += [_picture(panel, fixed) for panel in panels(after)]
    return _figure(pictures, f"JAX walks <code>{escape(tree)}</code>")


def lesson(traversals: Iterable[Traversal], caption: str) -> str:
    """Draw one program."""
    return _figure([_picture(panel, "") for panel in panels(traversals)], caption)


def _figure(pictures: Sequence[str], caption: str) -> str:
    start = f'<figure class="walks">\n<figcaption>{caption}</figcaption>\n<div class="walks-row">'
    return "\n".join([start, *pictures, "</div>", "</figure>"])


def _picture(panel: Panel, version: str) -> str:
    kind = "walk walk-before" if version == "as written" else "walk"
    title = f"{panel.title}{f', {version}' if version else ''}"
    verdict = panel.traversal.verdict
    tone = "good" if panel.traversal.is_fine else "bad"
    head = f'<p class="walk-title"><strong>{panel.title}</strong>{f"<br>{version}: " if version else "<br>"}'
    head += f'<span class="walk-verdict {tone}">{escape(verdict)}</span></p>'
    return f'<div class="{kind}">{head}{svg(panel.traversal.nodes, title, verdict)}</div>'


def svg(nodes: Sequence[Node], title: str, verdict: str) -> str:
    """Draw one tree: a box for each node, and beside it what happened to the node."""
    if not nodes:
        return ""
    height = ROW * len(nodes) + 4
    spoken = f"{title}: {verdict}. " + "; ".join(f"{node.label}: {node.says}" for node in nodes) + "."
    parts = [
        f'<svg class="walk-tree" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(spoken)}">',
        *(_edge(nodes, index) for index in range(len(nodes))),
        *(_row(node, index) for index, node in enumerate(nodes)),
        "</svg>",
    ]
    return "".join(parts)


def _x(node: Node) -> int:
    return LEFT + node.depth * INDENT


def box_width(node: Node) -> int:
    """How wide the box around a node's label is."""
    return round(len(node.label) * CHARACTER + 14)


def said_at(node: Node) -> int:
    """Where the words beside a node start."""
    return _x(node) + box_width(node) + 8


def _edge(nodes: Sequence[Node], index: int) -> str:
    """Draw the line from a node to its parent."""
    node = nodes[index]
    above = [earlier for earlier in range(index) if nodes[earlier].depth == node.depth - 1]
    if not above:
        return ""
    x = _x(nodes[above[-1]]) + 8
    top, middle = above[-1] * ROW + 4 + BOX, index * ROW + 4 + BOX // 2
    return f'<path class="walk-edge" d="M{x} {top}V{middle}H{_x(node)}"/>'


def _row(node: Node, index: int) -> str:
    y = index * ROW + 4
    tone = node.tone
    return (
        f'<g class="walk-node {tone}">'
        f'<rect x="{_x(node)}" y="{y}" width="{box_width(node)}" height="{BOX}" rx="4"/>'
        f'<text class="walk-label" x="{_x(node) + 7}" y="{y + 15}">{escape(node.label)}</text>'
        f'<text class="walk-says" x="{said_at(node)}" y="{y + 15}">{MARKS[tone]} {escape(node.says)}</text></g>'
    )
