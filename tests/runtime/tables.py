"""Measures what ``flax.nnx`` calls things on the installed release, and writes several releases down as tables.

    python tests/runtime/tables.py --measure > tables-0.12.8.json      one release, as JSON
    python tests/runtime/tables.py --write tables-*.json               the package's tables of all of them

``nox -s epochs`` measures every release. A name that is gone, or that warns, is asked for by name: names that the
tables hold already are asked of the installed release too, wherever ``dir`` does not show them.
"""

from __future__ import annotations

import argparse
import json
import sys
import types
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import optax
from epochs import outcome_of_program
from flax import nnx
from installed import VERSION, is_wrapper, release_named
from layer_recipes import CALLABLES, LAYERS

from flake8_nnx_treemap.data import nnx_names

PACKAGE = Path(nnx_names.__file__).parent

# Names


def _knows(owner: object, name: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return hasattr(owner, name)


def _public(owner: object) -> set[str]:
    return {name for name in dir(owner) if not name.startswith("_")}


def names() -> dict[str, str]:
    """Public names of ``flax.nnx``: ``""``, or ``"warns"`` where touching one does. Modules from elsewhere are none."""
    return {
        name: "warns" if outcome_of_program(f"nnx.{name}\nNone") == "ok + DW" else ""
        for name in sorted(_public(nnx) | nnx_names.NAMES.keys())
        if _knows(nnx, name) and not _is_foreign(name)
    }


def _is_foreign(name: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = getattr(nnx, name)
    return isinstance(value, types.ModuleType) and not value.__name__.startswith("flax.")


# Members

_STATE = "x = nnx.state(nnx.Linear(2, 3, rngs=nnx.Rngs(0)))\n"

OWNERS: Mapping[str, str] = {
    "Variable": "x = nnx.Param(jnp.ones(2))\n",
    "state leaf": _STATE + "x = x['kernel']\n",
    "State": _STATE,
    "Module": "x = nnx.Module()\n",
}
"""What members are asked of: the statements that make one, as ``x``."""

_OF_WRAPPERS = {
    "add_axis": "x.add_axis(0, 'name')",
    "copy": "x.copy()",
    "copy_from": "x.copy_from(nnx.Param(jnp.ones(2)))",
    "create_value": "x.create_value(jnp.ones(2))",
    "del_metadata": "x.set_metadata(k=1)\nx.del_metadata('k')",
    "from_metadata": "type(x).from_metadata(jnp.ones(2), dict(x.get_metadata()))",
    "get_metadata": "x.get_metadata()",
    "get_raw_value": "x.get_raw_value()",
    "get_value": "x.get_value()",
    "has_metadata": "x.has_metadata('k')",
    "remove_axis": "x.remove_axis(0, 'name')",
    "replace": "x.replace(jnp.ones(2))",
    "set_metadata": "x.set_metadata(k=1)",
    "set_raw_value": "x.set_raw_value(jnp.ones(2))",
    "set_value": "x.set_value(jnp.ones(2))",
    "state": "x.state(jnp.ones(2))",
    "to_state": "x.to_state()",
    "to_variable": "x.to_variable()",
    "update_from_state": "x.update_from_state(nnx.state(nnx.Linear(1, 1, rngs=nnx.Rngs(0)))['kernel'])",
}

CALLS: Mapping[str, Mapping[str, str]] = {
    "Variable": _OF_WRAPPERS,
    "state leaf": _OF_WRAPPERS,
    "State": {
        "clear": "x.clear()",
        "filter": "x.filter(nnx.Param)",
        "flat_state": "x.flat_state()",
        "from_flat_path": "nnx.State.from_flat_path({('a', 'b'): 1})",
        "get": "x.get('kernel')",
        "items": "x.items()",
        "keys": "x.keys()",
        "map": "x.map(lambda path, leaf: leaf)",
        "merge": "nnx.State.merge(x, x)",
        "pop": "x.pop('kernel')",
        "popitem": "x.popitem()",
        "replace_by_pure_dict": "x.replace_by_pure_dict({})",
        "setdefault": "x.setdefault('kernel', 1)",
        "split": "x.split(nnx.Param)",
        "to_pure_dict": "x.to_pure_dict()",
        "update": "x.update({})",
        "values": "x.values()",
    },
    "Module": {
        "check_valid_context": "x.check_valid_context(lambda: '')",
        "eval": "x.eval()",
        "iter_children": "list(x.iter_children())",
        "iter_modules": "list(x.iter_modules())",
        "perturb": "x.perturb('name', jnp.ones(2))",
        "set_attributes": "x.set_attributes(raise_if_not_found=False)",
        "sow": "x.sow(nnx.Intermediate, 'name', jnp.ones(2))",
        "train": "x.train()",
    },
}
"""How a member is used, where reading it does not show whether it warns."""


def made_by(owner: str) -> Any:
    """Make an owner, such as a State."""
    namespace: dict[str, Any] = {"nnx": nnx, "jnp": jnp}
    exec(OWNERS[owner], namespace)
    return namespace["x"]


def _members_known_of(owner: str) -> set[str]:
    """What the class of an owner defines here, and on other releases where it answers here."""
    made = made_by(owner)
    own = {name for name in getattr(made, "__dict__", ()) if not name.startswith("_")} - _metadata(made)
    return {name for name in _public(type(made)) | own | nnx_names.MEMBERS.get(owner, {}).keys() if _knows(made, name)}


def _metadata(made: object) -> set[str]:
    return set(made.get_metadata()) if is_wrapper(made) else set()  # type: ignore[attr-defined]


def members(owner: str) -> dict[str, str]:
    """Public members of an owner: ``""``, or ``"warns"`` where using one does."""
    return {name: _use(owner, name) for name in sorted(_members_known_of(owner))}


def _use(owner: str, name: str) -> str:
    program = CALLS[owner].get(name, f"x.{name}")
    outcome = outcome_of_program(f"{OWNERS[owner]}{program}\nNone")
    return {"ok": "", "ok + DW": "warns"}.get(outcome, "raises")


# Layers


class GivenLayer(nnx.Linear):
    """A layer that a user hands over."""


class GivenCell(nnx.GRUCell):
    """A cell that a user hands over."""


class GivenNetwork(nnx.RNN):
    """A recurrent network that a user hands over."""


class GivenMetric(nnx.metrics.Average):
    """A metric that a user hands over."""


GIVEN = (GivenLayer, GivenCell, GivenNetwork, GivenMetric)


def layer_class(name: str) -> type[Any] | None:
    """The class of a layer, if this Flax has it."""
    found: Any = nnx
    for part in name.split("."):
        found = getattr(found, part, None)
    return found  # type: ignore[no-any-return]


def layers() -> dict[str, dict[str, str]]:
    """Layer -> attribute -> what it may hold, as an annotation says it: ``"Param | None"``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {name: found for name in LAYERS if (found := _attributes(name)) is not None}


def _attributes(layer: str) -> dict[str, str] | None:
    kind = layer_class(layer)
    if kind is None:
        return None
    made = [one for expression in LAYERS[layer] if isinstance(one := _evaluated(expression), kind)]
    assert made, f"Flax {VERSION}: none of the ways to make a {layer} works"
    held = {
        attribute: {_content(vars(one).get(attribute)) for one in made}
        for attribute in sorted({name for one in made for name in vars(one) if not name.startswith("_")})
    }
    return {
        attribute: " | ".join(sorted(words, key=lambda word: (word == "None", word)))
        for attribute, words in held.items()
        if words - {"None", "other"} and "given" not in words
    }


def _evaluated(expression: str) -> object:
    rngs = nnx.Rngs(0)
    cell = GivenCell(2, 3, rngs=rngs)
    namespace = {
        "nnx": nnx,
        "jnp": jnp,
        "optax": optax,
        "rngs": rngs,
        "layer": GivenLayer(2, 3, rngs=rngs),
        "cell": cell,
        "network": lambda: GivenNetwork(cell),
        "metric": GivenMetric(),
    }
    try:
        return eval(expression, namespace)
    except (TypeError, AttributeError):  # This Flax lacks the class or the option.
        return None


def _content(value: object) -> str:
    """``Param``, ``Linear``, ``None``; ``given`` by the user, or something ``other``."""
    if value is None:
        return "None"
    if isinstance(value, GIVEN):
        return "given"
    kind = type(value)
    is_node = is_wrapper(value) or isinstance(value, (nnx.Module, getattr(nnx, "Pytree", nnx.Object)))
    return kind.__name__ if is_node and kind.__module__.startswith("flax.") else "other"


# Functions that users hand to layers


class _CalledWithError(Exception):
    """Ends a layer's call once it is known what the layer gives to a function."""


def callables() -> dict[str, dict[str, str]]:
    """Option of a layer -> keyword that the function given for it is called with -> the value: ``"None"``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {name: found for name in CALLABLES if (found := _keywords(CALLABLES[name])) is not None}


def _keywords(expression: str) -> dict[str, str] | None:
    """What a function is called with by keyword; ``None`` if this Flax has no such option, or does not call it."""
    found: dict[str, str] = {}

    def spy(*arguments: object, **keywords: object) -> None:
        found.update({name: _shown(value) for name, value in sorted(keywords.items())})
        raise _CalledWithError

    try:
        eval(expression, {"nnx": nnx, "jnp": jnp, "rngs": nnx.Rngs(0), "spy": spy})
    except _CalledWithError:
        return found
    except TypeError:
        return None
    return None


def _shown(value: object) -> str:
    return repr(value) if value is None or isinstance(value, bool) else "other"


# One release


@dataclass(frozen=True)
class Tables:
    """All of it, about one release."""

    flax: str
    names: Mapping[str, str]
    members: Mapping[str, Mapping[str, str]]
    layers: Mapping[str, Mapping[str, str]]
    callables: Mapping[str, Mapping[str, str]]


def measure() -> Tables:
    """Measure the installed Flax."""
    return Tables(VERSION, names(), {owner: members(owner) for owner in OWNERS}, layers(), callables())


# All releases


def spans(releases: Sequence[str], holds: Sequence[bool]) -> str:
    """The releases on which something holds: ``"0.10.0-0.10.7, 0.12.0-"``; one that goes on has no end."""
    runs: list[list[str]] = []
    for index, release in enumerate(releases):
        if holds[index]:
            if index == 0 or not holds[index - 1]:
                runs.append([])
            runs[-1].append(release)
    return ", ".join(f"{run[0]}-{'' if run[-1] == releases[-1] else run[-1]}" for run in runs)


def merged(measured: Sequence[Mapping[str, str]], releases: Sequence[str]) -> dict[str, str]:
    """What several releases say of the same keys: ``"0.10.0-"``, and ``"0.10.0-; warns 0.10.4-"``."""
    rows = {}
    for key in sorted({key for one in measured for key in one}):
        words = [one.get(key) for one in measured]
        present = spans(releases, [word is not None for word in words])
        warns = spans(releases, [word == "warns" for word in words])
        rows[key] = f"{present}; warns {warns}" if warns else present
    return rows


def merged_layer(measured: Sequence[Mapping[str, str] | None], releases: Sequence[str]) -> dict[str, str]:
    """Attribute -> ``"Param"``, or what it holds by release where that changed: ``"Param on 0.10.0-0.10.6; …"``."""
    rows = {}
    for attribute in sorted({name for one in measured for name in one or ()}):
        words = [one and one.get(attribute) for one in measured]
        different = dict.fromkeys(word for word in words if word)
        is_everywhere = all(one is None or attribute in one for one in measured)
        rows[attribute] = (
            "".join(different)
            if is_everywhere and len(different) == 1
            else "; ".join(f"{word} on {spans(releases, [one == word for one in words])}" for word in different)
        )
    return rows


_HEADER = '''"""Data: {what}

``nox -s epochs`` measures it, and ``python tests/runtime/tables.py --write tables-*.json`` writes it. Do not edit.
"""

from __future__ import annotations

from collections.abc import Mapping

'''


def _rows(rows: Mapping[str, str], indent: str) -> str:
    return "".join(f"{indent}{json.dumps(key)}: {json.dumps(row)},\n" for key, row in rows.items())


def _nested(name: str, tables: Mapping[str, Mapping[str, str]]) -> str:
    inner = "".join(
        f"    {json.dumps(key)}: {{\n{_rows(rows, ' ' * 8)}    }},\n" if rows else f"    {json.dumps(key)}: {{}},\n"
        for key, rows in tables.items()
    )
    return f"{name}: Mapping[str, Mapping[str, str]] = {{\n{inner}}}\n"


def names_module(measured: Sequence[Tables]) -> str:
    """The text of ``data/nnx_names.py``."""
    releases = [one.flax for one in measured]
    listed = "".join(f'    "{release}",\n' for release in releases)
    return (
        _HEADER.format(what="which releases of Flax have which public names, and which of them warn.")
        + f"RELEASES = (\n{listed})\n\nNAMES: Mapping[str, str] = {{\n"
        + _rows(merged([one.names for one in measured], releases), "    ")
        + "}\n\n"
        + _nested("MEMBERS", {owner: merged([one.members[owner] for one in measured], releases) for owner in OWNERS})
    )


def layers_module(measured: Sequence[Tables]) -> str:
    """The text of ``data/nnx_layers.py``."""
    releases = [one.flax for one in measured]
    known = sorted({layer for one in measured for layer in one.layers})
    tables = {layer: merged_layer([one.layers.get(layer) for one in measured], releases) for layer in known}
    return _HEADER.format(what="which attributes of Flax's own layers hold what.") + _nested("LAYERS", tables)


def callables_module(measured: Sequence[Tables]) -> str:
    """The text of ``data/nnx_callables.py``."""
    releases = [one.flax for one in measured]
    known = sorted({name for one in measured for name in one.callables})
    tables = {name: merged_layer([one.callables.get(name) for one in measured], releases) for name in known}
    what = "which keywords Flax's own layers give to the functions that users hand to them, and with which value."
    return _HEADER.format(what=what) + _nested("CALLABLES", tables)


def write(measured: Iterable[Tables], folder: Path = PACKAGE) -> None:
    """Write the package's tables."""
    ordered = sorted(measured, key=lambda one: release_named(one.flax))
    (folder / "nnx_names.py").write_text(names_module(ordered), encoding="utf-8")
    (folder / "nnx_layers.py").write_text(layers_module(ordered), encoding="utf-8")
    (folder / "nnx_callables.py").write_text(callables_module(ordered), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Measure the names and layers of the installed Flax.")
    parser.add_argument("--measure", action="store_true", help="print them as JSON")
    parser.add_argument("--write", nargs="+", metavar="JSON", help="write the package's tables of several releases")
    chosen = parser.parse_args(arguments)
    if chosen.write:
        write(Tables(**json.loads(Path(name).read_text(encoding="utf-8"))) for name in chosen.write)
        return 0
    sys.stdout.write(json.dumps(asdict(measure()), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
