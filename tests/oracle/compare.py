"""Compares the engine at hand with the one of another checkout, text by text.

``compare.py corpus FILE FLAX...`` writes the texts: blocks of the cases and pages, Flax releases, generated programs.
``compare.py diff OLD NEW CORPUS`` compares what ``engine.py`` made of them.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
GENERATED = 4000


def blocks() -> Iterator[tuple[str, str]]:
    for path in sorted([*ROOT.glob("tests/rules/*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "README.md"]):
        if "node_modules" not in path.parts:
            for index, block in enumerate(BLOCK.findall(path.read_text(encoding="utf-8"))):
                yield f"{path.stem}_{index}.py", block


def releases(folders: list[str]) -> Iterator[tuple[str, str]]:
    for folder in folders:
        for path in sorted(Path(folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8", errors="replace")
            if "nnx" in text:
                yield str(path), text


def generated() -> Iterator[tuple[str, str]]:
    sys.path.insert(0, str(ROOT / "tests" / "fixing"))
    import test_properties as parts  # The pieces that the property tests put together.

    chance = random.Random(20261128)
    cases = [text for name, text in blocks() if name.startswith("NNX")]
    for number in range(GENERATED):
        if number % 4 == 0:
            pieces = [chance.choice(parts.IMPORTS), "import functools\n", parts.DEFINITIONS]
            for _ in range(chance.randrange(1, 4)):
                layout, callee, mapper, trees, predicate = map(
                    chance.choice, (parts.LAYOUTS, parts.CALLEES, parts.MAPPERS, parts.TREES, parts.PREDICATES)
                )
                pieces.append(layout.format(callee=callee, mapper=mapper, trees=trees, predicate=predicate))
            yield f"generated_{number}.py", "".join(pieces)
        else:
            yield f"mutated_{number}.py", mutated(chance.choice(cases), cases, chance)


SWAPS = (
    ("nnx.VariableState", "nnx.Variable"), ("nnx.Variable)", "nnx.Param)"), ("nnx.Param", "nnx.VariableState"),
    (".value", ".get_value()"), (".value", ""), ("jax.tree.map", "jax.tree_util.tree_map"), ("isinstance(", "type("),
    (", is_leaf=", ", isleaf="), ("state", "nnx.state(model)"), ("if isinstance", "if not isinstance"), ("lambda x: ", "lambda y: "),
    ("nnx.state(", "nnx.to_pure_dict("), ("jax.tree.leaves", "jax.tree.flatten"), (" else x", " else x * 2"), ("return ", "yield "),
    ("x.", "(x)."), ("lambda ", "lambda *a, "), ("(x, ", "(x , "), (" and ", " or "), ("jax.tree.map(", "jax.tree.map((f), "),
)  # fmt: skip


def mutated(text: str, cases: list[str], chance: random.Random) -> str:
    for _ in range(chance.randrange(1, 4)):
        kind = chance.randrange(5)
        lines = text.split("\n")
        if kind == 0:
            old, new = chance.choice(SWAPS)
            places = [found.start() for found in re.finditer(re.escape(old), text)]
            if places:
                place = chance.choice(places)
                text = text[:place] + new + text[place + len(old) :]
        elif kind == 1:
            del lines[chance.randrange(len(lines))]
            text = "\n".join(lines)
        elif kind == 2:
            names = sorted(set(re.findall(r"\b[a-z]\w*\b", text)))
            if len(names) > 1:
                old, new = chance.sample(names, 2)
                text = re.sub(rf"\b{old}\b", new, text, count=chance.randrange(1, 4))
        elif kind == 3:
            text = text + "\n\n" + chance.choice(cases)
        else:
            words = sorted(set(re.findall(r"\b[a-z_]+\.[a-zA-Z_.]+\b", text)))
            if len(words) > 1:
                old, new = chance.sample(words, 2)
                text = text.replace(old, new, 1)
    return text


def compare(old: str, new: str, corpus: str) -> int:
    texts = dict(json.loads(line) for line in Path(corpus).read_text(encoding="utf-8").splitlines())
    before = dict(json.loads(line) for line in Path(old).read_text(encoding="utf-8").splitlines())
    after = dict(json.loads(line) for line in Path(new).read_text(encoding="utf-8").splitlines())
    findings = differences = 0
    for name, results in before.items():
        for key in sorted({*results, *after[name]}):
            one, other = results.get(key), after[name].get(key)
            findings += len(one) if key.startswith("lint") and isinstance(one, list) else 0
            if one != other:
                differences += 1
                print(f"=== {name} [{key}]")
                if isinstance(one, list) and isinstance(other, list):
                    for sign, group, rest in (("-", one, other), ("+", other, one)):
                        for found in group:
                            if found not in rest:
                                print(sign, json.dumps(found))
                else:
                    print("-", one if key.startswith("lint") else "(text)")
                    print("+", other if key.startswith("lint") else "(text)")
    print(f"{len(texts)} texts, {findings} findings, {differences} differences")
    return differences


if __name__ == "__main__":
    if sys.argv[1] == "corpus":
        tasks = [*blocks(), *releases(sys.argv[3:]), *generated()]
        Path(sys.argv[2]).write_text("".join(json.dumps(task) + "\n" for task in tasks), encoding="utf-8")
    else:
        sys.exit(bool(compare(*sys.argv[2:])))
