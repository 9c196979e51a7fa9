"""What the ``ast`` alone says of the calls that may be one of a tree function: enough to pass over most of them."""

from __future__ import annotations

import ast
from functools import cached_property

from flake8_nnx_treemap.analysis.candidates import Candidate, candidates_of
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.reach import Reach, reach_of_consumers, reach_of_function
from flake8_nnx_treemap.analysis.values.narrowing import type_test
from flake8_nnx_treemap.names import WRAPPER_WORDS


class CallFacts:
    """Facts about one call; each is found out when it is asked for."""

    def __init__(self, source: ParsedSource, candidate: Candidate) -> None:
        """Take a call."""
        self.source = source
        self.candidate = candidate
        self.stops = candidate.is_leaf is not None
        self.maps = candidate.mapper is not None

    @cached_property
    def predicate(self) -> Reach:
        """What its predicate leads to."""
        return reach_of_function(self.source, self.candidate.is_leaf)

    @cached_property
    def mapper(self) -> Reach:
        """What its mapper leads to."""
        return reach_of_function(self.source, self.candidate.mapper)

    @cached_property
    def consumers(self) -> Reach:
        """What the code leads to that looks at the leaves it returns."""
        return reach_of_consumers(self.source, self.candidate.node)

    @cached_property
    def may_stop_at_wrapper(self) -> bool:
        """Whether its predicate leads to a wrapper class at all."""
        return self.stops and not WRAPPER_WORDS.isdisjoint(self.predicate.words)

    @cached_property
    def stops_at(self) -> frozenset[str]:
        """The classes of a predicate that is ``lambda x: isinstance(x, classes)``; none for any other."""
        predicate = self.candidate.is_leaf
        if not isinstance(predicate, ast.Lambda):
            return frozenset()
        test = type_test(self.source, predicate.body)
        parameters = [*predicate.args.posonlyargs, *predicate.args.args]
        return test[1] if test and [one.arg for one in parameters] == [test[0]] else frozenset()

    @cached_property
    def guarded(self) -> ast.expr | None:
        """The result of a mapper that is ``lambda v: result if isinstance(v, classes) else v``, for these classes."""
        mapper = self.candidate.mapper
        if not isinstance(mapper, ast.Lambda) or not isinstance(mapper.body, ast.IfExp) or not self.stops_at:
            return None
        test, other = type_test(self.source, mapper.body.test), mapper.body.orelse
        parameters = [*mapper.args.posonlyargs, *mapper.args.args][self.candidate.function.leaf_position :]
        if test is None or not parameters or test != (parameters[0].arg, self.stops_at):
            return None
        return mapper.body.body if isinstance(other, ast.Name) and other.id == test[0] else None


@remembered
def call_facts_of(source: ParsedSource) -> tuple[CallFacts, ...]:
    """Facts about each call of a file that may be one of a tree function, in source order."""
    return tuple(CallFacts(source, candidate) for candidate in candidates_of(source))
