"""Lists all rules, one line each, with what can be known about a rule without importing its file.

A new rule is its file in this folder, its cases in ``tests/rules``, and a line here.
"""

from __future__ import annotations

import enum
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Final

from flake8_nnx_treemap.flax_names import names_that_went
from flake8_nnx_treemap.names import (
    DATA_IS_DECIDED_ONCE,
    LAYERS_GIVE_SHARDINGS,
    METADATA_NEEDS_METHOD,
    NEW_VARIABLE_METHODS,
    OPTIMIZER_NEEDS_WRT,
    OUT_SHARDING_IS_READ,
    PORTABLE,
    PURE_WARNS,
    REMOVED_TREE_FUNCTIONS,
    RENAMED_IN_NNX,
    STATE_FUNCTIONS,
    STATE_FUNCTIONS_ARE_THERE,
    VALUE_ACCESS_WARNS,
    VARIABLE_STATE_IS_VARIABLE,
    WRAPPERS,
    FlaxRange,
    FlaxRelease,
)

if TYPE_CHECKING:
    from flake8_nnx_treemap.rules.rule import Rule
    from flake8_nnx_treemap.rules.settings import LintSettings


class Kind(str, enum.Enum):
    """What reported code does on the releases of Flax or JAX that the rule is about."""

    CRASH = "crash"
    """It raises."""
    SILENT = "silent"
    """It silently computes something else than it seems to."""
    DEPRECATION = "deprecation"
    """It warns, and what it uses will be removed."""
    COMMENT = "comment"
    """Nothing: the rule is about a comment."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One rule's line in the catalogue.

    ``since`` is the first Flax release that the rule applies to. The rule can find something only in a text that
    contains one of ``words``, one of the words ``beside`` them if there are any, and a match of one of each group of
    ``patterns``, regular expressions: one that starts with plain text is searched for many times as fast. All of them
    are for the text of a program: in a notebook's JSON, only words are looked for.
    Words are in lower case if the rule ``ignores_case``. One that ``needs_stated_floor`` is silent where nobody says
    which releases are to be supported. One that ``is_quick`` runs in vain in less time than a search for its patterns
    takes, once the file has been analysed for others and the rule is imported. One that is ``about_modules`` is silent
    in a file that defines no class of Modules. ``raises`` has the names of the errors that reported code raises: the
    rule is silent where a test wants one of them.
    """

    code: str
    slug: str
    kind: Kind
    words: tuple[str, ...]
    since: FlaxRelease = PORTABLE
    beside: tuple[str, ...] = ()
    patterns: tuple[tuple[str, ...], ...] = ()
    on_by_default: bool = True
    ignores_case: bool = False
    needs_stated_floor: bool = False
    is_quick: bool = False
    about_modules: bool = False
    raises: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        """The name of the rule's module in this package."""
        return f"{self.code}_{self.slug}".lower().replace("-", "_")

    def applies_to(self, flax: FlaxRange) -> bool:
        """Tell whether code for a range of releases hears of the rule.

        It does if a release in the range crashes or is silently wrong. A deprecation waits until the whole range has
        the new spelling.
        """
        if self.needs_stated_floor and not flax.floor_is_stated:
            return False
        return flax.starts_from(self.since) if self.kind is Kind.DEPRECATION else flax.holds(self.since)

    def may_find(self, text: str) -> bool:
        """Tell whether a program contains what the rule needs to find anything."""
        return self._may_find_in(_Searched(text))

    def _may_find_in(self, program: _Searched) -> bool:
        if len(self.words) > _MANY and len(program.text) > _LONG:
            return self._matches(program) and self._has_words(program)
        return self._has_words(program) and self._matches(program)

    def _is_imported(self) -> bool:
        return f"{__package__}.{self.module}" in sys.modules

    def _has_words(self, text: _Searched) -> bool:
        if self.ignores_case:
            text = _Searched(text.text.lower())
        return any(map(text.contains, self.words)) and (not self.beside or any(map(text.contains, self.beside)))

    def _matches(self, text: _Searched) -> bool:
        return all(any(map(text.matches, group)) for group in self.patterns)


_MANY: Final = 4
_LONG: Final = 4_000
"""To look for this many words in a text of this length takes longer than to compile and search for patterns."""


class _Searched:
    """A text, or the bytes of a file, in which each word and each pattern is looked for once, for all rules."""

    def __init__(self, text: str | bytes) -> None:
        self.text = text
        self._words: dict[str, bool] = {}
        self._patterns: dict[str, bool] = {}

    def contains(self, word: str) -> bool:
        found = self._words.get(word)
        if found is None:
            found = (word in self.text) if isinstance(self.text, str) else (word.encode() in self.text)
            self._words[word] = found
        return found

    def matches(self, pattern: str) -> bool:
        found = self._patterns.get(pattern)
        if found is None:
            if not self.text.isascii() and isinstance(self.text, bytes):
                self.text = self.text.decode("utf-8", "replace")  # Patterns ask what is a letter.
            if isinstance(self.text, str):
                found = _compiled(pattern).search(self.text) is not None
            else:
                found = _compiled_for_bytes(pattern).search(self.text) is not None
            self._patterns[pattern] = found
        return found


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


@cache
def _compiled_for_bytes(pattern: str) -> re.Pattern[bytes]:
    return re.compile(pattern.encode())


_OFF: Final = False

_GAP: Final = r"(?:[\s\\)]|#[^\r\n]*[\r\n]){0,200}"
"""What may stand between the parts of a dotted name, comments included; it is bounded, since a full stop may stand at
the end of each of many lines of comments."""
_SPACE: Final = r"(?:[\s\\)]|#[^\r\n]*[\r\n]){1,200}"
"""The same between two words."""

_LISTED: Final = r"[^\r\n(]*(?:\([^)#]{0,2000})?"
"""What may stand between ``import`` and a name."""
_UNSEEN: Final = r"[^\r\n(]*(?:\([^)#\\]{0,2000})?(?:[\\#]|\([^)]{2000})"
"""What a search for names in an import does not look behind."""

_TREE_NAMES: Final = "(?:all|broadcast|flatten|leaves|map|reduce|structure)"
"""How the names of all tree functions start, within their modules."""
_TREE: Final = (
    rf"tree(?:(?:_|{_GAP}\.{_GAP}){_TREE_NAMES}|{_SPACE}(?:as|import)\b)",
    r"tree\b(?<=\.tree)(?!\.)",
    rf"\.[\s\\#]{_GAP}tree\b",
    rf"jax{_SPACE}import\b{_LISTED}\btree\b",
    rf"jax{_SPACE}import\b{_UNSEEN}",
)
"""A tree function as an attribute or by its own name, and other names for the modules of tree functions."""

_COMMON: Final = ("Param", "Variable")
_NAMES: Final = (*_COMMON, *sorted({name.rpartition(".")[2] for name in WRAPPERS} - {*_COMMON}))
_CLASSES: Final = tuple(name for name in _NAMES if not any(other != name and other in name for other in _NAMES))
_CLASS: Final = "(?:{})".format("|".join(_CLASSES))
_OWN: Final = (
    r"class[\s\\]+[^\s\\(\[:]+[\s\\]*(?:\[[^()]{0,200}(?:\([^()]*\)[^()]{0,200})?\][\s\\]*)?"
    rf"\((?:[^()]|\([^()]*\))*(?:\([\w.]*)?{_CLASS}",
    rf"{_CLASS}[ \t\\]+as\b",
    rf"= ?(?:\w+\.)*{_CLASS}[ \t]*(?:[\r\n#;]|\Z)",
)
"""The start of a class whose base has the name of a class of Variables in it, and other names for such classes."""

_SET_ATTRIBUTE: Final = (
    rf"\.{_GAP}\w+{_GAP}"
    r"(?:,[^=]{0,10000}|:[^\r\n=]{0,1000}\s*|:[^=]{0,1000}\][^\r\n=]{0,1000})?[-+*/%&|^@<>]{0,2}=[^=]"
)
_DECLARED: Final = ("setattr", rf"\.{_GAP}__init__\b", "dataclass")
"""What else may set an attribute: a call, the constructor of a base class, and that of a dataclass."""

_NO_MODULES: Final = (
    *("object", "str", "int", "float", "Exception", "RuntimeError", "ValueError", "TestCase", "ABC"),
    *("Enum", "IntEnum", "StrEnum", "Generic", "NamedTuple", "Protocol", "TypedDict"),
)
"""Names of common classes that are no Modules."""
_INHERITS: Final = r"class[\s\\]+\w+[\s\\]*(?:\[|\((?!\s*(?:\w+\.)*(?:{})\b[^,()#]*\)))".format("|".join(_NO_MODULES))
"""The start of a class with a base that may be a Module."""

_METHODS: Final = tuple(STATE_FUNCTIONS)
_CALLED: Final = r"\.{}(?:{})\b".format(_GAP, "|".join(_METHODS))


_VALUE: Final = rf"\.{_GAP}(?:raw_)?value\b"
_TYPE: Final = rf"\.{_GAP}type\b"
_RENAMED: Final = tuple(one.old for one in RENAMED_IN_NNX)
_USED: Final = tuple(rf"{before}{_GAP}(?:{'|'.join(_RENAMED)})\b" for before in ("[.,(]", "import"))
"""Names as attributes, or imported."""
_WENT: Final = tuple(sorted(names_that_went()))
_TELLING: Final = 7
"""How many letters of a name are searched for: to compile a pattern takes longer than to search most files for it."""


def _members(module: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return the patterns of which one matches wherever names of a module are used."""
    starts = "|".join(sorted({name[:_TELLING] for name in names}))
    return (
        rf"{module}(?:{_GAP}\.{_GAP}|{_SPACE}import\b{_LISTED}\b)(?:{starts})",
        rf"{module}{_SPACE}import\b{_UNSEEN}",
        rf"{module}{_SPACE}as\b(?![ \t]+{module}\b)",
    )


_BLANKS: Final = r"(?:[ \t\f]|\\\r?\n)*"
_MEMBER: Final = rf"\.(?<!\bself\.){_BLANKS}(?!(?:raw_value|type|value)\b|__)(?!\d)\w+"
"""An attribute of something else than ``self``, on one line: most full stops at the end of one end a sentence."""
_ASSIGNED: Final = r"(?:[-+*/%&|^@]|//|\*\*|<<|>>)?=(?!=)"
_SET: Final = (
    rf"{_MEMBER}{_BLANKS}(?:\){_BLANKS}|:[^\r\n=({{]{{0,200}}|,[^\r\n#=]{{0,200}} )?{_ASSIGNED}",
    rf"[\r\n;:][ \t\f]*[(\[*][^=:#{{}}]{{0,200}}?{_MEMBER}[^=:#(){{}}'\"]{{0,200}}[)\]]{_BLANKS}{_ASSIGNED}",
    r" as[ (\[]+[^\s:]{1,100}\.[ \t]*[^\s:.]+[\s)\]]*[,:]",
    r"for[ \t(\[]+(?:(?! in\b)[^\r\n:]){1,100}?\.\w+[\s)\]]*(?:,[^\r\n:]{0,100})?\bin\b",
)
"""What may set such an attribute: ``=`` behind it, and what sets several targets, or the target of a with or a for.

The first matches the defaults of annotated parameters as well. To tell them apart takes longer than to run the rule.
"""

LAYER_CALLABLES: Final = (
    *("attention_fn", "conv_general_dilated", "dot_general", "einsum_op"),
    *("out_dot_general", "qkv_dot_general"),
)
"""The options of layers that take a function, and whose keywords have changed."""

_ATTRIBUTE: Final = ("AttributeError",)
_TYPE_ERROR: Final = ("TypeError",)
_VALUE_ERROR: Final = ("ValueError",)
_TYPE_OR_VALUE: Final = (*_TYPE_ERROR, *_VALUE_ERROR)
_ABSENCE: Final = (*_ATTRIBUTE, "ImportError")

CATALOGUE: tuple[Entry, ...] = (
    Entry("NNX101", "is-leaf-is-not-a-filter", Kind.CRASH, ("tree",), patterns=(_TREE,), raises=_ATTRIBUTE),
    Entry("NNX102", "dispatch-without-is-leaf", Kind.SILENT, ("tree",), patterns=(_TREE,)),
    Entry(
        "NNX103", "leaves-test-without-is-leaf", Kind.SILENT, ("tree",), beside=("leaves", "flatten"), patterns=(_TREE,)
    ),
    Entry("NNX104", "variable-attribute-without-is-leaf", Kind.CRASH, ("tree",), patterns=(_TREE,), raises=_ATTRIBUTE),
    Entry(
        "NNX105",
        "exact-type-test",
        Kind.SILENT,
        ("tree", "VariableState"),
        VARIABLE_STATE_IS_VARIABLE,
        beside=("type", "__class__"),
        patterns=((*_TREE, "VariableState"),),
    ),
    Entry("NNX106", "is-leaf-is-a-class", Kind.CRASH, ("tree",), patterns=(_TREE,), raises=_TYPE_OR_VALUE),
    Entry("NNX107", "predicate-mapper-mismatch", Kind.SILENT, ("tree",), patterns=(_TREE,)),
    Entry(
        "NNX108",
        "wrapped-mask",
        Kind.CRASH,
        ("tree",),
        VARIABLE_STATE_IS_VARIABLE,
        beside=("optax", "mask", "label"),
        patterns=(_TREE,),
        raises=_TYPE_OR_VALUE,
    ),
    Entry("NNX109", "branch-collapse", Kind.SILENT, ("VariableState",), VARIABLE_STATE_IS_VARIABLE),
    Entry(
        "NNX110",
        "aliased-variable",
        Kind.SILENT,
        ("tree",),
        VARIABLE_STATE_IS_VARIABLE,
        patterns=(_TREE,),
        on_by_default=_OFF,
    ),
    Entry(
        "NNX111",
        "mutating-mapper",
        Kind.SILENT,
        ("tree",),
        VARIABLE_STATE_IS_VARIABLE,
        patterns=(_TREE,),
        on_by_default=_OFF,
    ),
    Entry(
        "NNX112",
        "undispatched-variable-leaf",
        Kind.CRASH,
        ("tree",),
        patterns=(_TREE,),
        on_by_default=_OFF,
        raises=_ATTRIBUTE,
    ),
    Entry(
        "NNX113",
        "snapshot-is-no-copy",
        Kind.SILENT,
        ("state", "split", "variables"),
        VARIABLE_STATE_IS_VARIABLE,
        beside=("update", "merge", "tree"),
        patterns=((rf"(?:state|split|variables){_GAP}(?:\(|as\b)",),),
    ),
    Entry("NNX201", "deprecated-variable-state", Kind.DEPRECATION, ("VariableState",), VARIABLE_STATE_IS_VARIABLE),
    Entry(
        "NNX202",
        "variable-state-constructor",
        Kind.CRASH,
        ("VariableState",),
        VARIABLE_STATE_IS_VARIABLE,
        raises=_TYPE_ERROR,
    ),
    Entry("NNX203", "removed-conversion", Kind.CRASH, ("to_variable",), VARIABLE_STATE_IS_VARIABLE, raises=_ATTRIBUTE),
    Entry(
        "NNX204",
        "deprecated-type-attribute",
        Kind.DEPRECATION,
        ("type",),
        VARIABLE_STATE_IS_VARIABLE,
        patterns=((_TYPE,),),
    ),
    Entry(
        "NNX205",
        "metadata-by-attribute",
        Kind.CRASH,
        ("=", " as ", " in"),
        METADATA_NEEDS_METHOD,
        patterns=((*_OWN, *_SET),),
        is_quick=True,
        raises=_ATTRIBUTE,
    ),
    Entry("NNX206", "deprecated-value-access", Kind.DEPRECATION, ("value",), VALUE_ACCESS_WARNS, patterns=((_VALUE,),)),
    Entry(
        "NNX207",
        "deprecated-pure",
        Kind.DEPRECATION,
        _RENAMED,
        PURE_WARNS,
        patterns=(_USED,),
    ),
    Entry(
        "NNX208",
        "removed-jax-tree-map",
        Kind.CRASH,
        tuple(REMOVED_TREE_FUNCTIONS),
        patterns=(_members("jax", REMOVED_TREE_FUNCTIONS),),
        is_quick=True,
        raises=_ATTRIBUTE,
    ),
    Entry("NNX209", "optimizer-without-wrt", Kind.CRASH, ("Optimizer",), OPTIMIZER_NEEDS_WRT, raises=_TYPE_ERROR),
    Entry(
        "NNX210",
        "container-attribute",
        Kind.CRASH,
        ("class",),
        DATA_IS_DECIDED_ONCE,
        patterns=((_INHERITS,), (*_DECLARED, _SET_ATTRIBUTE)),
        about_modules=True,
        raises=_VALUE_ERROR,
    ),
    Entry("NNX211", "state-method", Kind.DEPRECATION, _METHODS, STATE_FUNCTIONS_ARE_THERE, patterns=((_CALLED,),)),
    Entry("NNX212", "sharding-metadata", Kind.DEPRECATION, ("sharding",), OUT_SHARDING_IS_READ),
    Entry(
        "NNX213",
        "newer-than-floor",
        Kind.CRASH,
        ("nnx", *NEW_VARIABLE_METHODS),
        needs_stated_floor=True,
        raises=_ABSENCE,
    ),
    Entry(
        "NNX214", "removed-name", Kind.CRASH, _WENT, patterns=(_members("nnx", _WENT),), is_quick=True, raises=_ABSENCE
    ),
    Entry(
        "NNX215",
        "layer-callable-lacks-keyword",
        Kind.CRASH,
        tuple(one for one in LAYER_CALLABLES if not one.endswith("_dot_general")),
        LAYERS_GIVE_SHARDINGS,
        patterns=(tuple(rf"{name}{_GAP}=(?!=)" for name in LAYER_CALLABLES),),
        is_quick=True,
        raises=_TYPE_ERROR,
    ),
    Entry(
        "NNX901",
        "unused-noqa",
        Kind.COMMENT,
        ("noqa",),
        beside=("nnx",),
        patterns=((r"(?i)noqa[^\r\n]*nnx",),),
        on_by_default=_OFF,
        ignores_case=True,
    ),
)
"""All rules, in order of their codes."""

CODES: Mapping[str, Entry] = {entry.code: entry for entry in CATALOGUE}
"""All rules, by code."""

DEFAULT_CODES = frozenset(entry.code for entry in CATALOGUE if entry.on_by_default)
"""The rules that run unless others are selected."""


@cache
def rule_named(code: str) -> Rule:
    """Return the rule with a code; import its module.

    Raises:
        KeyError: there is no such rule.
    """
    rule: Rule = import_module(f"{__package__}.{CODES[code].module}").RULE
    return rule


def every_rule() -> tuple[Rule, ...]:
    """Return all rules, in order of their codes; import their modules."""
    return tuple(map(rule_named, CODES))


def rules_about_code() -> tuple[Rule, ...]:
    """Return the rules whose examples can be run on JAX: all but those about comments."""
    return tuple(rule_named(entry.code) for entry in CATALOGUE if entry.kind is not Kind.COMMENT)


@lru_cache(maxsize=1)
def codes_that_may_find(text: str, settings: LintSettings) -> frozenset[str]:
    """Return the codes of the selected rules that apply to the Flax range and may find something in a program.

    To search a text for the patterns of a rule takes less than to import the rule, and less than to run most in vain.
    """
    searched = _Searched(text)
    entries = _entries(settings.select, settings.flax_range)
    found = {entry.code for entry in entries if not entry.is_quick and entry._may_find_in(searched)}
    is_analysed = bool(found)
    for entry in entries:
        if entry.is_quick and ((is_analysed and entry._is_imported()) or entry._may_find_in(searched)):
            found.add(entry.code)
    return frozenset(found)


def may_find_in(
    data: bytes, settings: Iterable[LintSettings], *, is_program: bool, defines_modules: Callable[[], bool]
) -> bool:
    """Tell whether a file may hold a finding, before it is decoded or parsed.

    Args:
        data: the file's bytes.
        settings: what it is looked at with; one of them is enough.
        is_program: whether the file is a program, and not a notebook or Markdown, in which no pattern is looked for.
        defines_modules: tells whether a class in the program may be of Modules; asked last, since that can take a look
            into other files.
    """
    if b"\0" in data:  # An encoding in which words look different.
        return True
    searched = _Searched(data)
    entries = _in_order_of_search(tuple((one.select, one.flax_range) for one in settings))
    found = (one for one in entries if (one._may_find_in(searched) if is_program else one._has_words(searched)))
    return any(not is_program or not one.about_modules or defines_modules() for one in found)


@cache
def _in_order_of_search(asked: tuple[tuple[frozenset[str] | None, FlaxRange], ...]) -> tuple[Entry, ...]:
    """Return the rules of several settings, cheapest first; the same for every file of a run."""
    entries = {entry for select, flax in asked for entry in _entries(select, flax)}
    return tuple(sorted(entries, key=_cost_of_search))


def _cost_of_search(entry: Entry) -> tuple[bool, int, int, str]:
    """Return by what rules are ordered to be asked: one without a pattern, and with few words, tells soonest."""
    length = sum(len(pattern) for group in entry.patterns for pattern in group)
    return entry.about_modules, length, len(entry.words), entry.code


@cache
def _entries(select: frozenset[str] | None, flax: FlaxRange) -> tuple[Entry, ...]:
    """Return the rules that are selected and apply to a range of releases."""
    selected = DEFAULT_CODES if select is None else select
    return tuple(entry for entry in CATALOGUE if entry.code in selected and entry.applies_to(flax))
