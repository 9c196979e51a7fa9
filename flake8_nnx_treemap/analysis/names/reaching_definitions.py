"""Finds the bindings of a name in one scope that may reach a use, without looking at all of them.

A program may bind one name ten thousand times, and use it after each. So the bindings are kept sorted, and finding
those that reach a use takes time in proportion to their number.
"""

from __future__ import annotations

import ast
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from flake8_nnx_treemap.analysis.code.nodes import Place
from flake8_nnx_treemap.analysis.names.scopes import Binding, Block


class BindingsOfName:
    """The bindings of one name in one scope."""

    __slots__ = ("_by_block", "_is_of_one_body", "_outermost", "_outside", "_places", "ordered")

    def __init__(self, bindings: Iterable[Binding]) -> None:
        self.ordered = tuple(sorted(bindings, key=lambda binding: binding.place))
        self._places = [binding.place for binding in self.ordered]
        self._by_block: dict[Block, list[int]] = {}
        for index, binding in enumerate(self.ordered):
            self._by_block.setdefault(binding.block, []).append(index)
        self._outermost = _outermost_blocks(self._by_block)
        self._outside: dict[Block, Sequence[int]] = {}
        self._is_of_one_body = len(set(self._outermost.values())) == 1

    def reaching(self, use: Place, block: Block) -> tuple[Binding, ...]:
        """Return the bindings that may reach ``use``, which is in ``block`` of the same scope.

        Returns:
            The last one that always runs before the use, then the others in order; all of them if none always runs.
            The same tuple for uses that all of them reach.
        """
        around = list(block.ancestors())
        before = bisect_left(self._places, use)
        last = self._last_certain(around, before)
        if last is None:
            return self.ordered
        first = bisect_right(self._places, self._places[last])
        # In a loop that starts after the last certain binding, bindings later in its body may reach the use. (A use in
        # the types of an "except" belongs to the statement before it, and may come after the loop which that is in.)
        loops = [found for found in around[: around.index(self.ordered[last].block)] if found.is_loop]
        end = max(before, bisect_right(self._places, _end_of_body(loops[-1]))) if loops else before
        if self._is_of_one_body:
            return (self.ordered[last], *self.ordered[first:end])
        # A function with "global x" may run at any time.
        others = sorted({*range(first, end), *self._elsewhere(around[-1])})
        return (self.ordered[last], *(self.ordered[index] for index in others))

    def made_before(self, use: Place, block: Block) -> tuple[tuple[Binding, ...], bool]:
        """Return the bindings that may reach ``use``, and whether one of them has been made for certain.

        Unlike ``reaching``, it leaves out what is bound only after ``use``.
        """
        around = list(block.ancestors())
        before = bisect_left(self._places, use)
        if self._last_certain(around, before) is not None:
            return self.reaching(use, block), True
        return (self.ordered if any(found.is_loop for found in around) else self.ordered[:before]), False

    def _elsewhere(self, body: Block) -> Sequence[int]:
        """Return the indices of the bindings that other functions, or the module, make with ``global``."""
        if body not in self._outside:
            found = [self._outermost[binding.block] is not body for binding in self.ordered]
            self._outside[body] = [index for index, is_outside in enumerate(found) if is_outside]
        return self._outside[body]

    def _last_certain(self, around: Sequence[Block], before: int) -> int | None:
        """Return the index of the last binding before a use in the blocks around it, which always runs before it."""
        found = -1
        for block in around:
            indices = self._by_block.get(block)
            if indices is not None and indices[0] < before:
                found = max(found, indices[bisect_left(indices, before) - 1])
        return None if found < 0 else found


def _outermost_blocks(blocks: Iterable[Block]) -> dict[Block, Block]:
    """Return, for each block, the body of the function, class or module that it is a part of."""
    found: dict[Block, Block] = {}
    for block in blocks:
        path = []
        while block not in found and block.parent is not None:
            path.append(block)
            block = block.parent
        root = found.setdefault(block, block)
        found.update(dict.fromkeys(path, root))
    return found


def _end_of_body(loop: Block) -> Place:
    assert isinstance(loop.owner, (ast.For, ast.AsyncFor, ast.While))
    last = loop.owner.body[-1]
    return (last.end_lineno or last.lineno, last.end_col_offset or 0)
