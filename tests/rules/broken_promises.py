"""Programs for which one obligation of a safe fix does not hold: were it not asked, the fix would change a result.

``test_safety.py`` holds that the fix is not safe, and that it would be without the obligation. ``tests/runtime`` runs
the program and what the fix would make of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from flake8_nnx_treemap.rules import safety
from flake8_nnx_treemap.rules.safety import Obligation

HEAD = """\
import jax
from flax import nnx
from types import SimpleNamespace
"""
WRAPPED = "[nnx.Param(1.0)]"
RAW = "[1.0]"
EMPTY = "nnx.State({})"


@dataclass(frozen=True)
class Broken:
    """A program whose ``convert`` returns for an argument; ``helpers`` is another file, now and later.

    ``until`` is the last release of Flax on which the fix changes the result.
    """

    obligation: Obligation
    code: str
    floor: str
    source: str
    argument: str = RAW
    helpers: tuple[str, str] | None = None
    until: str | None = None

    @property
    def name(self) -> str:
        return f"{self.obligation.__name__}-{self.code}"


QUIET = """\
class Quiet:
    def __enter__(self): pass
    def __exit__(self, *error): return True
"""
ASK_STATE = "is_leaf=lambda x: isinstance(x, nnx.VariableState)"
ASK_VARIABLE = "is_leaf=lambda x: isinstance(x, nnx.Variable)"

AT_A_DISTANCE = """\
import unittest
def convert(tree):
    results, seen = [], unittest.TestResult()
    unittest.FunctionTestCase(lambda: results.append(work(tree))).run(seen)
    return results or [text.splitlines()[-1].partition(":")[0] for _, text in seen.errors]
"""
"""What other packages do with the errors of what they are given is not asked, so this does not count as seeing one."""


CONSTRAIN = "return str(nnx.with_sharding_constraint(jax.numpy.ones(1), jax.sharding.{sharding}))"
UPDATED = """\
import optax
optimizer = nnx.Optimizer(tree, optax.sgd(0.1))
optimizer.update(nnx.state(tree))
return {returned}"""
STACK = """\
class Stack(nnx.Module):
    def __init__(self):
        self.layers = [nnx.Linear(1, 1, rngs=nnx.Rngs(0))]"""
SEES_THE_ERROR = [
    ("NNX101", "0.11", "return jax.tree.map(lambda v: v.value, tree, " + ASK_STATE + ")", RAW),
    ("NNX112", "0.11", "return jax.tree.map(lambda v: v.value, tree, " + ASK_VARIABLE + ")", RAW),
    ("NNX104", "0.11", "return jax.tree.map(lambda v: v.value, nnx.state(tree))", "nnx.Linear(1, 1, rngs=nnx.Rngs(0))"),
    ("NNX106", "0.11", "return len(jax.tree.leaves(tree, is_leaf=nnx.Param))", RAW),
    ("NNX203", "0.11", "p = nnx.Param(3.0); return p.to_variable()", RAW),
    ("NNX205", "0.12.1", "p = nnx.Param(3.0); p.tag = 3; return p.tag", RAW),
    ("NNX208", "0.11", "return jax.tree_map(lambda x: x, tree)", RAW),
    ("NNX209", "0.11", UPDATED.format(returned="type(optimizer).__name__"), "nnx.Linear(1, 1, rngs=nnx.Rngs(0))"),
    ("NNX210", "0.12.0", STACK + "\nreturn len(Stack().layers)", RAW),
    ("NNX214", "0.11.2", CONSTRAIN.format(sharding="SingleDeviceSharding(jax.devices()[0])"), RAW),
]
WAYS_TO_SEE_IT = {
    "a name for the error": """\
Error = (AttributeError, TypeError, ValueError)
def convert(tree):
    try:
        {body}
    except Error:
        return "seen"
""",
    "a manager of the file": QUIET
    + """\
def convert(tree):
    with Quiet():
        {body}
    return "seen"
""",
    "a stack of managers": """\
import contextlib
def convert(tree):
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.suppress(Exception))
        {body}
    return "seen"
""",
    "a return in finally": """\
import sys
def convert(tree):
    try:
        {body}
    finally:
        if sys.exc_info()[0] is not None:
            return "seen"
""",
    "a manager that a name stands for": QUIET
    + """\
mesh = Quiet()
def convert(tree):
    with mesh:
        {body}
    return "seen"
""",
    "a manager that a parameter stands for": """\
import contextlib
def run(tree, *, mesh):
    with mesh:
        {body}
    return "seen"
def convert(tree):
    return run(tree, mesh=contextlib.suppress(Exception))
""",
    "a manager that an attribute holds": QUIET
    + """\
class Runner:
    def __init__(self, mesh):
        self.mesh = mesh
    def run(self, tree):
        with self.mesh:
            {body}
        return "seen"
def convert(tree):
    return Runner(Quiet()).run(tree)
""",
    "a decorator of a class": """\
def quiet(owner):
    function = owner.run
    def call(self, tree):
        try:
            return function(self, tree)
        except Exception:
            return "seen"
    owner.run = call
    return owner
@quiet
class Runner:
    def run(self, tree):
        {body}
def convert(tree):
    return Runner().run(tree)
""",
    "a metaclass": """\
class Quiet(type):
    def __getattribute__(cls, name):
        return type.__getattribute__(cls, name)
    def __call__(cls, tree):
        try:
            return super().__call__(tree)
        except Exception:
            return "seen"
class Runner(metaclass=Quiet):
    def __new__(cls, tree):
        {body}
def convert(tree):
    return Runner(tree)
""",
    "a function in its place": """\
def convert(tree):
    {body}
def quiet(function):
    def call(tree):
        try:
            return function(tree)
        except Exception:
            return "seen"
    return call
convert = quiet(convert)
""",
    "a caller that handles it": """\
def convert(tree):
    try:
        return first(tree)
    except Exception:
        return "seen"
def first(tree):
    return second(tree)
def second(tree):
    {body}
""",
    "a caller of another name for the function": """\
import functools
def convert(tree):
    try:
        return step(tree)
    except Exception:
        return "seen"
def plain(tree):
    {body}
step = functools.partial(plain)
""",
    "a caller of a method": """\
class Runner:
    def run(self, tree):
        return self._run(tree)
    def _run(self, tree):
        {body}
def convert(tree):
    try:
        return Runner().run(tree)
    except Exception:
        return "seen"
""",
    "a constructor": """\
class Runner:
    def __new__(cls, tree):
        {body}
def convert(tree):
    try:
        return len([Runner(tree)])
    except Exception:
        return "seen"
""",
    "a method that syntax calls": """\
class Runner:
    def __call__(self, tree):
        {body}
def convert(tree):
    runner = Runner()
    try:
        return runner(tree)
    except Exception:
        return "seen"
""",
    "a generator that runs later": """\
def run(tree):
    yield
    {body}
def convert(tree):
    running = run(tree)
    next(running)
    try:
        return next(running)
    except StopIteration as stopped:
        return stopped.value
    except Exception:
        return "seen"
""",
    "a function that is made elsewhere": """\
def make():
    def run(tree):
        {body}
    return run
def convert(tree):
    run = make()
    try:
        return run(tree)
    except Exception:
        return "seen"
""",
    "a function that calls what it is given": """\
def plain(tree):
    {body}
def attempted(function, tree):
    try:
        return function(tree)
    except Exception:
        return "seen"
def convert(tree):
    return attempted(plain, tree)
""",
    "a decorator of the file": """\
def quiet(function):
    def call(tree):
        try:
            return function(tree)
        except Exception:
            return "seen"
    return call
@quiet
def convert(tree):
    {body}
""",
}


def filled(way: str, body: str) -> str:
    """Return a way to see an error with a body in it, indented as it has to be."""
    indent = next(line for line in way.splitlines() if line.endswith("{body}")).removesuffix("{body}")
    return way.format(body=body.replace("\n", f"\n{indent}"))


SEEING = [
    Broken(safety.nothing_sees_the_error, code, floor, HEAD + filled(way, body), argument)
    for code, floor, body, argument in SEES_THE_ERROR
    for way in WAYS_TO_SEE_IT.values()
]


SEEING += [
    Broken(
        safety.nothing_sees_the_error, "NNX203", "0.11", HEAD + filled(way, SEES_THE_ERROR[4][2]), RAW, (helpers,) * 2
    )
    for way, helpers in (
        (
            "from helpers import timed\n@timed\ndef convert(tree):\n    {body}\n",
            "def timed(function):\n    def call(tree):\n        try:\n            return function(tree)\n"
            "        except Exception:\n            return 'seen'\n    return call\n",
        ),
        (
            "from helpers import lock\ndef convert(tree):\n    with lock:\n        {body}\n    return 'seen'\n",
            f"{QUIET}lock = Quiet()\n",
        ),
    )
]


WAYS_TO_BE_CALLED = {
    "a lambda that an object holds": """\
def convert(tree):
    jobs = SimpleNamespace(first=lambda: {call})
    try:
        return jobs.first()
    except AttributeError:
        return "seen"
""",
    "a lambda in a dictionary of them": """\
JOBS = dict(first=lambda: {call})
def convert(tree):
    for name, job in JOBS.items():
        try:
            return name, job()
        except AttributeError:
            return "seen"
""",
    "a factory of a default": """\
import dataclasses
@dataclasses.dataclass
class Job:
    done: object = dataclasses.field(default_factory=lambda: {call})
def convert(tree):
    try:
        return Job().done
    except AttributeError:
        return "seen"
""",
    "a name as text": """\
class Job:
    def first(self):
        return {call}
def convert(tree):
    try:
        return getattr(Job(), "first")()
    except AttributeError:
        return "seen"
""",
    "all methods of a class": """\
class Job:
    def first(self):
        return {call}
def convert(tree):
    for job in [getattr(Job(), name) for name in vars(Job) if name[0] != "_"]:
        try:
            return job()
        except AttributeError:
            return "seen"
""",
    "all classes that inherit": """\
class Job: ...
class First(Job):
    def __init__(self):
        self.done = {call}
def convert(tree):
    try:
        return [one().done for one in Job.__subclasses__()]
    except AttributeError:
        return "seen"
""",
    "a method that Python's json calls": """\
import json
class Encoder(json.JSONEncoder):
    def default(self, given):
        return str({call})
def convert(tree):
    try:
        return json.dumps(convert, cls=Encoder)
    except AttributeError:
        return "seen"
""",
    "a method that JAX calls": """\
@jax.tree_util.register_pytree_node_class
class Node:
    def tree_flatten(self):
        return [{call}], None
    tree_unflatten = classmethod(lambda of, kept, given: of())
def convert(tree):
    try:
        return len(jax.tree.leaves(Node()))
    except AttributeError:
        return "seen"
""",
    "a thread of a class of its own": """\
import threading
class Job(threading.Thread):
    done = "not yet"
    def run(self):
        self.done = {call}
def convert(tree):
    threading.excepthook, job = (lambda given: None), Job()
    job.start()
    job.join()
    return job.done
""",
    "a message of a log": """\
import io, logging
class Job:
    def __str__(self):
        return str({call})
def convert(tree):
    logging.raiseExceptions, log, out = False, logging.Logger("jobs"), io.StringIO()
    log.addHandler(logging.StreamHandler(out))
    log.warning("%s", Job())
    return len(out.getvalue())
""",
    "an event loop": """\
import asyncio
def first():
    done.append({call})
done = []
async def both():
    asyncio.get_running_loop().set_exception_handler(lambda loop, given: done.append("seen"))
    asyncio.get_running_loop().call_soon(first)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
def convert(tree):
    done.clear()
    asyncio.run(both())
    return len(done), "seen" in done
""",
    "a callback of JAX": """\
def first():
    return jax.numpy.int32(len([{call}]))
def convert(tree):
    try:
        return int(jax.jit(lambda: jax.pure_callback(first, jax.ShapeDtypeStruct((), "int32")))())
    except RuntimeError:
        return "seen"
""",
    "a function that the first argument wraps": """\
import functools
def first(tree):
    return {call}
def patient(function):
    def call(tree):
        try:
            return function(tree)
        except AttributeError:
            return "seen"
    return call
convert = functools.reduce(lambda function, wrap: wrap(function), [patient], first)
""",
    "a descriptor": """\
class Done:
    def __get__(self, job, of):
        return {call}
class Job:
    done = Done()
def convert(tree):
    return getattr(Job(), "done", "seen")
""",
}
"""Programs that handle an error far from a function that raises it, and do not call that function by its name."""

SEEING += [
    Broken(safety.nothing_sees_the_error, code, "0.11", HEAD + way.format(call=call))
    for code, call in (("NNX203", "nnx.Param(3.0).to_variable()"), ("NNX208", "jax.tree_map(lambda x: x, [3])"))
    for way in WAYS_TO_BE_CALLED.values()
]
SEEING.append(
    Broken(
        safety.nothing_sees_the_error,
        "NNX209",
        "0.11",
        f"{HEAD}import optax\nclass Steps:\n    def __len__(self):\n"
        "        optimizer = nnx.Optimizer(nnx.Linear(1, 1, rngs=nnx.Rngs(0)), optax.sgd(0.1))\n"
        "        optimizer.update(nnx.state(optimizer.model))\n        print(optimizer, file=steps)\n        return 1\n"
        "    def __iter__(self): return iter((1, 2))\nimport io\nsteps = io.StringIO()\n"
        "def convert(tree):\n    return list(Steps()), bool(steps.getvalue())\n",
    )
)


def mapping(predicate: str, mapper: str = "lambda v: v.value", head: str = "", body: str = "") -> str:
    call = f"jax.tree.map({mapper}, tree, is_leaf={predicate})"
    return f"{HEAD}{head}def convert(tree):\n    {body or 'pass'}\n    return {call}\n"


BOX = "from typing import NamedTuple\nclass Box(NamedTuple):\n    value: int = 5\n"
"""A class of which JAX goes into the objects, unless a predicate stops at them."""
STATE, VARIABLE = "nnx.VariableState", "nnx.Variable"
OTHER_OBJECTS: list[tuple[str, str, tuple[str, str] | None]] = [
    ("class Box:\n    def __init__(self): self.value = 5\n", "[Box()]", None),
    (
        "import enum\nclass Box(enum.Enum):\n    ONE = 1\n",
        "[Box.ONE]",
        None,
    ),
    ("def Box(): return SimpleNamespace(value=5)\n", "[Box()]", None),
    ("from helpers import Box\n", "[Box()]", ("class Base:\n    value = 5\nclass Box(Base): ...\n",) * 2),
    ("class Box:\n    def __getattr__(self, name): return len(name)\n", "[Box()]", None),
    ("class Box: ...\nBox.value = 5\n", "[Box()]", None),
    ("class Box:\n    def __init__(self): object.__setattr__(self, 'value', 5)\n", "[Box()]", None),
    ("class Box:\n    def __init__(self): self.__dict__.update(value=5)\n", "[Box()]", None),
    ("import ctypes\ndef Box(): return ctypes.c_int(5)\n", "[Box()]", None),
    ("class Box: ...\nbox = Box()\nvars(box)['value'] = 5\ndef Box(): return box\n", "[Box()]", None),
    ("class Box: ...\nbox = Box()\nbox.__dict__.update({'value': 5})\ndef Box(): return box\n", "[Box()]", None),
    ("Box = type('Box', (), dict(value=5))\n", "[Box()]", None),
    ("import types\nBox = types.new_class('Box', (), {}, lambda body: body.update(value=5))\n", "[Box()]", None),
    ("def Box(): return StopIteration(5)\n", "[Box()]", None),
    ("class Kind(type):\n    value = 5\nclass Box(metaclass=Kind): ...\n", "[Box]", None),
    ("from http import HTTPStatus as Box\n", "[Box.OK]", None),
]
"""How a file comes by objects that are no Variables, and have a ``value``."""


def asks(type_: str) -> str:
    return f"lambda x: isinstance(x, {type_})"


MAPPING = [
    broken
    for code, old, floor, predicate in (
        ("NNX101", STATE, "0.11", asks(f"({STATE}, Box)")),
        ("NNX112", VARIABLE, "0.10", asks(f"({STATE}, {VARIABLE})") + ' and hasattr(x, "value")'),
    )
    for broken in (
        Broken(safety.leaf_is_read_on_every_way, code, "0.11", mapping(asks(old), "lambda v: v * 2")),
        Broken(
            safety.leaf_is_read_on_every_way,
            code,
            "0.11",
            mapping(asks(old), "f", BOX + "def f(v):\n    v = Box()\n    return v.value\n"),
        ),
        Broken(
            safety.leaf_is_read_on_every_way,
            code,
            "0.11",
            mapping(asks(old), "f", BOX + "def f(*leaves):\n    leaves = [Box()]\n    return leaves[0].value\n"),
        ),
        Broken(
            safety.leaf_is_read_on_every_way,
            code,
            "0.11",
            mapping(asks(old), "f", BOX + "def f(v):\n    return max(0, (v := Box()) is None, v.value)\n"),
        ),
        Broken(
            safety.leaf_is_read_on_every_way,
            code,
            "0.11",
            mapping(
                asks(old),
                "f",
                BOX + "def f(v):\n    def other():\n        nonlocal v\n        v = Box()\n"
                "    other()\n    return v.value\n",
            ),
        ),
        Broken(
            safety.name_is_bound_for_certain,
            code,
            "0.11",
            mapping(asks("Old"), "lambda v: v.value", f"Old = {old}\nnnx = None\n"),
            WRAPPED,
        ),
        Broken(
            safety.name_is_bound_for_certain,
            code,
            "0.11",
            mapping(
                asks("Old"),
                "lambda v: v.value",
                f"Old = {old}\ndef forget():\n    global nnx\n    nnx = None\nforget()\n",
            ),
            WRAPPED,
        ),
        Broken(
            safety.builtin_is_itself,
            code,
            "0.11",
            f"{HEAD}def is_leaf(x):\n    return isinstance(x, {old})\n"
            "def convert(tree, isinstance=lambda *given: False):\n"
            "    return jax.tree.map(lambda v: v.value, tree, is_leaf=is_leaf)\n",
            WRAPPED,
        ),
        *(
            Broken(safety.other_objects_lack_it, code, "0.11", mapping(asks(old), head=head), argument, helpers)
            for head, argument, helpers in OTHER_OBJECTS
        ),
        Broken(
            safety.predicate_stops_at_wrappers_alone,
            code,
            floor,
            mapping(predicate, head=BOX if "Box" in predicate else ""),
            "[Box()]",
        ),
        Broken(
            safety.everything_is_in_this_file,
            code,
            "0.11",
            mapping(asks(old), "read", "from helpers import read\n"),
            RAW,
            ("def read(v): return v.value\n", "def read(v): return v * 2\n"),
        ),
        Broken(
            safety.names_are_bound_in_the_open,
            code,
            "0.11",
            mapping(asks("Old"), "lambda v: v.value", f"Old = {old}\n", 'globals()["nnx"] = None'),
            WRAPPED,
        ),
        Broken(
            safety.members_are_themselves,
            code,
            "0.11",
            mapping(asks("Old"), "lambda v: v.value", f"Old = {old}\n", "nnx.Variable = int"),
            WRAPPED,
        ),
        Broken(
            safety.members_are_themselves,
            code,
            "0.11",
            mapping(asks("Old"), "lambda v: v.value", f"Old = {old}\n", 'setattr(nnx, "Variable", int)'),
            WRAPPED,
        ),
    )
]

OVER_STATE = "def convert(tree: State{more}):\n    {body}\n    return len(jax.tree.map(lambda v: v.value, tree))\n"


def over_state(body: str = "pass", more: str = "", head: str = "") -> str:
    return HEAD + "State = nnx.State\n" + head + OVER_STATE.format(body=body, more=more)


WITHOUT_IS_LEAF = [
    Broken(
        safety.tree_is_known_to_all,
        "NNX104",
        "0.11",
        HEAD
        + """\
def convert(tree):
    return jax.tree.map(lambda v: v.value, tree)
def main():
    return convert(nnx.state(nnx.Linear(1, 1, rngs=nnx.Rngs(0))))
""",
        "[SimpleNamespace(value=4)]",
    ),
    Broken(safety.name_is_bound_for_certain, "NNX104", "0.11", over_state(head="nnx = None\n"), EMPTY),
    Broken(safety.builtin_is_itself, "NNX104", "0.11", over_state(more=", isinstance=None"), EMPTY),
    Broken(safety.names_are_bound_in_the_open, "NNX104", "0.11", over_state('globals()["nnx"] = None'), EMPTY),
    Broken(safety.members_are_themselves, "NNX104", "0.11", over_state("nnx.Variable = None"), EMPTY),
    Broken(
        safety.other_objects_lack_it,
        "NNX104",
        "0.11",
        HEAD
        + """\
class Box:
    value = 5
class Model(nnx.Module):
    def __init__(self):
        self.p = nnx.Param(Box())
def convert(tree):
    return jax.tree.map(lambda v: v.value, nnx.state(Model()))["p"]
""",
    ),
    Broken(
        safety.leaf_is_only_read,
        "NNX104",
        "0.11",
        HEAD
        + """\
import unittest
def double(v):
    v.value = v.value * 2
    return v.get_metadata()
def work(model):
    return jax.tree.map(double, nnx.state(model))
def convert(model):
    unittest.FunctionTestCase(lambda: work(model)).run(unittest.TestResult())
    return float(model.bias[0])
""",
        "nnx.Linear(1, 1, bias_init=nnx.initializers.ones_init(), rngs=nnx.Rngs(0))",
    ),
]

BRANCHES = """\
def read(x):
    if isinstance(x, Old):
        return x.value
    elif isinstance(x, New):
        return x.value
    return x
def convert(tree):
    {body}
    return read(tree)
"""


def branches(body: str = "pass", head: str = "") -> str:
    return (
        f"{HEAD}Old, New = nnx.VariableState, nnx.Variable\n".replace(
            "Old, New = nnx.VariableState, nnx.Variable", "Old = nnx.VariableState\nNew = nnx.Variable"
        )
        + head
        + BRANCHES.format(body=body)
    )


COLLAPSED = [
    Broken(safety.name_is_bound_for_certain, "NNX109", "0.11", branches(head="nnx = None\n"), "nnx.Param(1.0)"),
    Broken(safety.names_are_bound_in_the_open, "NNX109", "0.11", branches('globals()["nnx"] = None'), "nnx.Param(1.0)"),
    Broken(safety.members_are_themselves, "NNX109", "0.11", branches("nnx.Variable = int"), "nnx.Param(1.0)"),
]

OTHER = "SimpleNamespace(value=4, type=5, to_variable=lambda: 6, copy=lambda: 7, sharding_names=8)"
USES = [
    ("NNX203", "0.11", "return p.to_variable()"),
    ("NNX204", "0.11", "return p.type"),
    ("NNX205", "0.12.1", "p.tag = 3; return p.tag"),
    ("NNX206", "0.12.1", "return p.value"),
    ("NNX212", "0.12.4", "return p.sharding_names"),
]
FEIGNED = [
    Broken(
        safety.owner_is_a_variable,
        "NNX206",
        "0.12.1",
        f"{HEAD}{way}\ndef convert(tree):\n    box = Box()\n"
        "    return box.value if isinstance(box, nnx.Variable) else 0\n",
    )
    for way in (
        "class Box:\n    value = 5\n    @property\n    def __class__(self): return nnx.Param",
        "class Box:\n    value = 5\n    def __getattribute__(self, name):\n"
        "        return nnx.Param if name == '__class__' else object.__getattribute__(self, name)",
        "from unittest import mock\ndef Box(): return mock.Mock(spec=nnx.Param, value=5)",
    )
]

OWNERS = [
    broken
    for code, floor, use in USES
    for broken in (
        Broken(
            safety.owner_is_a_variable,
            code,
            floor,
            f"{HEAD}def convert(p):\n    {use}\ndef main():\n    return convert(nnx.Param(1.0))\n",
            OTHER,
        ),
        Broken(
            safety.names_are_bound_in_the_open,
            code,
            floor,
            f'{HEAD}def convert(other):\n    globals()["nnx"] = SimpleNamespace(Param=lambda value: other)\n'
            f"    p = nnx.Param(1.0)\n    {use}\n",
            OTHER,
        ),
    )
] + [
    Broken(
        safety.builtin_is_itself,
        "NNX204",
        "0.11",
        f"{HEAD}def convert(tree, type=len):\n    p = nnx.Param([1.0])\n    return p.type\n",
    ),
    Broken(
        safety.variables_have_no_such_member,
        "NNX203",
        "0.11",
        f'{HEAD}setattr(nnx.Variable, "to_variable", lambda self: 9)\n'
        "def convert(tree):\n    p = nnx.Param(1.0)\n    return p.to_variable()\n",
    ),
]

PLAIN_OBJECTS = [
    Broken(
        safety.other_objects_lack_it,
        "NNX203",
        "0.11",
        f"{HEAD}{head}def convert(tree):\n    p = nnx.Param({made})\n    return p.to_variable()\n",
        RAW,
        helpers,
    )
    for head, made, helpers in (
        ("class Box:\n    def __getattr__(self, name): return lambda: 5\n", "Box()", None),
        ("import helpers\n", "helpers.Box()", ("class Box:\n    def to_variable(self): return 5\n",) * 2),
    )
]

MIXINS = {
    "NNX204": "class Mixin:\n    type = 5\n",
    "NNX205": "SEEN = []\nclass Mixin:\n    tag = property(lambda self: len(SEEN), lambda self, v: SEEN.append(v))\n",
    "NNX206": "class Mixin:\n    value = 5\n",
    "NNX212": "class Mixin:\n    sharding_names = 5\n",
}
OWN_MEMBERS = [
    *(
        Broken(
            safety.variables_have_no_such_member,
            code,
            floor,
            f"{HEAD}from helpers import Mixin\nclass Own(Mixin, nnx.Param): ...\n"
            f"def read(p: nnx.Param):\n    {use}\ndef convert(tree):\n    return read(Own(1.0))\n",
            RAW,
            ("class Mixin: ...\n", MIXINS[code]),
        )
        for code, floor, use in USES
        if code in MIXINS
    ),
    Broken(
        safety.variables_have_no_such_member,
        "NNX203",
        "0.11",
        f"{HEAD}def convert(tree):\n    p = nnx.Param(1.0, to_variable=lambda: 9)\n    return p.to_variable()\n",
    ),
    Broken(
        safety.variables_have_no_such_member,
        "NNX206",
        "0.12.1",
        f"{HEAD}from unittest import mock as m\ndef convert(tree):\n    p = nnx.Param(1.0)\n"
        "    with m.patch.object(nnx.Variable, 'value', 7):\n        return p.value\n",
    ),
]

SEEN_NAMES = {
    "eval": "from flax.nnx import {old}\ndef convert(tree):\n    return eval('{old}').__name__\n",
    "a format string": (
        "def convert(tree):\n    from flax.nnx import {old}\n    return '{{{old}.__name__}}'.format(**locals())\n"
    ),
    "an attribute of a class": (
        "class A:\n    from flax.nnx import {old}\ndef convert(tree):\n    return getattr(A, '{o}' + '{ld}').__name__\n"
    ),
    "locals": "def convert(tree):\n    from flax.nnx import {old}\n    return locals()['{o}' + '{ld}'].__name__\n",
    "a doctest": (
        'from flax.nnx import {old}\nimport doctest\ndef f():\n    """\n    >>> {old} is None\n    False\n    """\n'
        "def convert(tree):\n"
        "    return doctest.run_docstring_examples(f, {{'{old}': eval('{o}' + '{ld}')}})\n"
    ),
    "__all__ that is worked out": (
        "from flax.nnx import {old}\n__all__ = ['{o}' + '{ld}']\ndef convert(tree):\n"
        "    return [eval(name).__name__ for name in __all__]\n"
    ),
}
SEEN = [
    Broken(
        safety.name_is_seen_by_nobody_else,
        code,
        floor,
        program.format(old=old, o=old[:2], ld=old[2:]),
    )
    for code, floor, old in (("NNX201", "0.11", "VariableState"), ("NNX207", "0.12.7", "pure"))
    for program in SEEN_NAMES.values()
]
PATCHES = {
    "another name for the module": "with m.patch('flax.nnx.VariableState', int)",
    "a keyword": "with m.patch(target='flax.nnx.VariableState', new=int)",
    "a constant": "with m.patch(TARGET, int)",
    "another name for the function": "with replace('flax.nnx.VariableState', int)",
    "a member of a module": "with m.patch.object(nnx, 'VariableState', int)",
    "a name that is put together": "with m.patch.object(nnx, f'Variable{STATE}', int)",
    "the dictionary of a module": "with m.patch.dict(nnx.__dict__, VariableState=int)",
    "several members": "with m.patch.multiple('flax.nnx', VariableState=int)",
    "a function that is given the module": "put_all(nnx)\n    if True",
    "a module that is asked for": "__import__('flax.nnx', fromlist=['x']).VariableState = int\n    if True",
    "another name for setattr": "put = setattr\n    put(nnx, NAME, int)\n    if True",
}
MEMBERS = [
    *(
        Broken(
            safety.members_are_themselves,
            "NNX201",
            "0.11",
            f"{HEAD}from unittest import mock as m\nreplace = m.patch\nSTATE = 'State'\n"
            "TARGET, NAME = 'flax.nnx.Variable' + STATE, 'Variable' + STATE\n"
            "def put_all(module):\n    setattr(module, NAME, int)\ndef convert(tree):\n"
            f"    {patch}:\n        return isinstance(3, nnx.VariableState)\n",
        )
        for patch in PATCHES.values()
    ),
    *(
        Broken(safety.function_is_called_where_it_is_named, "NNX207", "0.12.7", program)
        for program in (
            f"{HEAD}def convert(tree):\n    return nnx.pure is getattr(nnx, 'pu' + 're')\n",
            "from flax.nnx import pure\nfrom flax import nnx\n"
            "def convert(tree):\n    return pure is getattr(nnx, 'pu' + 're')\n",
        )
    ),
    *(
        Broken(
            safety.names_are_bound_in_the_open,
            code,
            floor,
            f"{HEAD}def convert(tree):\n    globals()['{module}'] = SimpleNamespace({members})\n    return {call}\n",
        )
        for code, floor, module, members, call in (
            (
                "NNX106",
                "0.11",
                "nnx",
                "Param=lambda node: False, Variable=int",
                "len(jax.tree.leaves(tree, is_leaf=nnx.Param))",
            ),
            ("NNX201", "0.11", "nnx", "VariableState=int, Variable=str", "isinstance(3, nnx.VariableState)"),
            ("NNX207", "0.12.7", "nnx", "pure=abs, as_pure=str", "nnx.pure(-3)"),
            ("NNX208", "0.11", "jax", "tree_map=max, tree=SimpleNamespace(map=min)", "jax.tree_map(3, 4)"),
        )
    ),
    Broken(
        safety.annotations_are_not_read,
        "NNX201",
        "0.11",
        f"{HEAD}def read(v: 'nnx.VariableState'): ...\ndef convert(tree):\n    return read.__annotations__['v']\n",
    ),
    Broken(
        safety.annotations_are_not_read,
        "NNX201",
        "0.11",
        f"from __future__ import annotations\nimport inspect\n{HEAD}def read(v: nnx.VariableState): ...\n"
        "def convert(tree):\n    return str(inspect.signature(read))\n",
    ),
    Broken(
        safety.members_are_themselves,
        "NNX201",
        "0.11",
        f"{HEAD}def convert(tree):\n    nnx.VariableState = int\n    return isinstance(3, nnx.VariableState)\n",
    ),
    Broken(
        safety.members_are_themselves,
        "NNX207",
        "0.12.7",
        f"{HEAD}def convert(tree):\n    setattr(nnx, 'as_pure', len)\n    return nnx.pure(nnx.State({{}}))\n",
        EMPTY,
    ),
    Broken(
        safety.members_are_themselves,
        "NNX208",
        "0.11",
        f"{HEAD}jax.tree_map = jax.tree_util.tree_map\njax.tree.map = lambda f, tree: 5\n"
        "def convert(tree):\n    return jax.tree_map(lambda x: x, tree)\n",
    ),
    Broken(
        safety.members_are_themselves,
        "NNX208",
        "0.11",
        f"{HEAD}def convert(tree):\n    setattr(jax, 'tree_map', lambda f, tree: 5)\n"
        "    return jax.tree_map(lambda x: x, tree)\n",
    ),
    Broken(
        safety.members_are_themselves,
        "NNX208",
        "0.11",
        f"{HEAD}jax.tree_map = lambda f, tree: 5\nfrom jax import tree_map\n"
        "def convert(tree):\n    return tree_map(lambda x: x, tree)\n",
    ),
]


def at_a_distance(body: str, head: str = "") -> str:
    lines = body.replace("\n", "\n    ")
    return f"{HEAD}{head}def work(tree):\n    {lines}\n{AT_A_DISTANCE}"


REMOVED = [
    Broken(
        safety.no_release_runs_the_original,
        "NNX214",
        "0.11",
        at_a_distance(CONSTRAIN.format(sharding="PartitionSpec('a')")),
    ),
    Broken(
        safety.name_is_bound_for_certain,
        "NNX214",
        "0.11.2",
        at_a_distance("return nnx.with_sharding_constraint(tree, tree)").replace(
            "import jax\n",
            "try:\n    import a_module_that_is_not_there\n    import jax\nexcept ImportError:\n    pass\n",
        ),
    ),
    Broken(
        safety.name_is_seen_by_nobody_else,
        "NNX214",
        "0.10.4",
        at_a_distance(
            "from flax.nnx import register_variable_name_type_pair\n"
            "return eval('register_variable_name_type_pair').__name__"
        ),
    ),
    Broken(
        safety.names_are_bound_in_the_open,
        "NNX214",
        "0.11.2",
        HEAD + "def convert(tree):\n    globals()['nnx'] = SimpleNamespace(with_sharding_constraint=max)\n"
        "    return nnx.with_sharding_constraint(3, 4)\n",
    ),
    Broken(
        safety.members_are_themselves,
        "NNX214",
        "0.11.2",
        HEAD + "nnx.__dict__['with_sharding' + '_constraint'] = max\n"
        "def convert(tree):\n    return nnx.with_sharding_constraint(3, 4)\n",
    ),
    Broken(
        safety.imported_files_replace_nothing,
        "NNX203",
        "0.11",
        f"{HEAD}import helpers\ndef convert(tree):\n    p = nnx.Param(1.0)\n    return p.to_variable()\n",
        RAW,
        ("from flax import nnx\nnnx.Variable.to_variable = lambda self: 5\n",) * 2,
    ),
    Broken(
        safety.imported_files_replace_nothing,
        "NNX208",
        "0.11",
        f"{HEAD}import helpers\ndef convert(tree):\n    return jax.tree_map(lambda x: x, tree)\n",
        RAW,
        ("import jax\njax.tree_map = lambda f, tree: 5\n",) * 2,
    ),
    Broken(
        safety.imported_files_replace_nothing,
        "NNX214",
        "0.11.2",
        HEAD + "import helpers\ndef convert(tree):\n    return nnx.with_sharding_constraint(3, 4)\n",
        RAW,
        ("from flax import nnx\nnnx.with_sharding_constraint = max\n",) * 2,
    ),
    Broken(
        safety.members_are_themselves,
        "NNX214",
        "0.11.2",
        HEAD + "import helpers\nhelpers.add_to(nnx)\n"
        "def convert(tree):\n    return nnx.with_sharding_constraint(3, 4)\n",
        RAW,
        ("def add_to(module): module.with_sharding_constraint = max\n",) * 2,
    ),
    Broken(
        safety.members_are_themselves,
        "NNX214",
        "0.11.2",
        HEAD + "nnx.__getattr__ = lambda name: max\n"
        "def convert(tree):\n    return nnx.with_sharding_constraint(3, 4)\n",
    ),
]


IS_A_CLASS = [
    Broken(
        safety.members_are_themselves,
        "NNX106",
        "0.11",
        f"{HEAD}jax.tree.leaves = lambda tree, is_leaf: is_leaf.__name__\n"
        "def convert(tree):\n    return jax.tree.leaves(tree, is_leaf=nnx.Param)\n",
    )
]

PARTITIONED = "nnx.with_partitioning(nnx.initializers.zeros_init(), ('own',), eager_sharding=False)"
METADATA = [
    Broken(
        safety.order_of_metadata_is_not_read,
        "NNX212",
        "0.12.4",
        f"{HEAD}def convert(tree):\n    value = jax.numpy.zeros(1)\n"
        "    return list(nnx.Param(value, sharding=('a',), eager_sharding=False).get_metadata())\n",
    ),
    Broken(
        safety.order_of_metadata_is_not_read,
        "NNX212",
        "0.12.4",
        f"{HEAD}def convert(tree):\n    value = jax.numpy.zeros(1)\n"
        "    kernel = nnx.Param(value, sharding=('a',), eager_sharding=False)\n    return f'{kernel}'\n",
    ),
    Broken(
        safety.order_of_metadata_is_not_read,
        "NNX212",
        "0.12.4",
        f"{HEAD}def convert(tree):\n    layer = nnx.LayerNorm(2, rngs=nnx.Rngs(0),\n"
        "        scale_metadata={'sharding': ('a',), 'eager_sharding': False})\n    return repr(layer.scale)\n",
    ),
    *(
        Broken(
            safety.order_of_metadata_is_not_read,
            "NNX212",
            "0.12.4",
            f"{HEAD}{head}\ndef convert(tree):\n    value = jax.numpy.zeros(1)\n"
            "    kernel = nnx.Param(value, sharding=('a',), eager_sharding=False)\n"
            f"    {body}\n",
        )
        for head, body in (
            ("", "return ascii(kernel)"),
            ("", "return str([1, (kernel,)])"),
            ("", "return f'{SimpleNamespace(kernel=kernel)}'"),
            ("class Box(tuple): ...", "box = Box((kernel,))\n    return '{}'.format(box)"),
            ("import json", "return json.dumps([kernel], default=str)"),
            ("", "graphdef, state = nnx.split(kernel)\n    return f'{graphdef}'"),
            ("import pickle", "return pickle.dumps(kernel).hex()"),
            ("def shown(*given): return str(given)", "return shown(kernel)"),
            ("", "error = ValueError({'kernel': kernel})\n    return str(error)"),
            ("import string", "return string.Template('$kernel').substitute(kernel=kernel)"),
        )
    ),
    Broken(
        safety.value_has_no_metadata_of_its_own,
        "NNX212",
        "0.12.4",
        f"{HEAD}jax.numpy.zeros = lambda shape: {PARTITIONED.replace('zeros', 'ones')}(jax.random.key(0), shape)\n"
        "def convert(tree):\n    value = jax.numpy.zeros((2,))\n"
        "    return nnx.Param(value, sharding=('given',), eager_sharding=False).get_metadata('out_sharding')\n",
    ),
    Broken(
        safety.value_has_no_metadata_of_its_own,
        "NNX212",
        "0.12.4",
        f"{HEAD}def convert(tree):\n    value = {PARTITIONED}(jax.random.key(0), (2,))\n"
        "    return nnx.Param(value, sharding=('given',), eager_sharding=False).get_metadata('out_sharding')\n",
    ),
    Broken(
        safety.value_has_no_metadata_of_its_own,
        "NNX212",
        "0.12.4",
        f"{HEAD}def convert(tree):\n    layer = nnx.LayerNorm(\n        2, rngs=nnx.Rngs(0),\n"
        f"        scale_init={PARTITIONED},\n"
        "        scale_metadata={'sharding': ('given',), 'eager_sharding': False},\n    )\n"
        "    return layer.scale.get_metadata('out_sharding')\n",
    ),
    Broken(
        safety.members_are_themselves,
        "NNX212",
        "0.12.4",
        f"{HEAD}nnx.Param = lambda value, sharding=None: sharding\n"
        "def convert(tree):\n    return nnx.Param(jax.numpy.zeros(1), sharding=3)\n",
    ),
]

METHODS = [
    Broken(
        safety.owner_is_a_state,
        "NNX211",
        "0.11",
        f"{HEAD}class Names(nnx.Module):\n    def __init__(self):\n        self.axes = nnx.Variable('a,b')\n"
        "def convert(tree):\n    state = nnx.state(Names())\n    return state['axes'].split(',')\n",
    ),
    Broken(
        safety.owner_is_a_state,
        "NNX211",
        "0.10.4",
        f"{HEAD}class Own:\n    __class__ = nnx.State\n    def filter(self, given): return 5\n"
        "def read(state):\n    return state.filter(1) if isinstance(state, nnx.State) else 0\n"
        "def convert(tree):\n    return read(Own())\n",
    ),
    Broken(
        safety.owner_is_a_state,
        "NNX211",
        "0.11",
        f"{HEAD}class Own:\n    def map(self, given): return 5\ndef convert(tree):\n"
        "    _, state = nnx.split(nnx.Variable(Own()))\n    return state.map(lambda path, leaf: leaf)\n",
    ),
    Broken(
        safety.owner_is_a_state,
        "NNX211",
        "0.10.4",
        f"{HEAD}def convert(tree):\n    return tree.to_pure_dict()\n",
        "SimpleNamespace(to_pure_dict=lambda: 6)",
    ),
    Broken(
        safety.owner_is_a_state,
        "NNX211",
        "0.10.4",
        f"{HEAD}def convert(tree):\n    return tree.filter(1)\n"
        "def main():\n    return convert(nnx.state(nnx.Rngs(0)))\n",
        "SimpleNamespace(filter=lambda given: given)",
    ),
    Broken(
        safety.imported_states_have_no_such_method,
        "NNX211",
        "0.10.4",
        f"{HEAD}from helpers import Kept\ndef read(state: nnx.State): return state.filter(nnx.Param)\n"
        "def convert(tree):\n    return read(Kept({}))\n",
        RAW,
        ("from flax import nnx\nclass Own(nnx.State):\n    def filter(self, *given): return 5\nclass Kept(Own): ...\n",)
        * 2,
    ),
    Broken(
        safety.evaluation_order_does_not_matter,
        "NNX211",
        "0.10.4",
        HEAD
        + """\
def convert(tree):
    done = []
    def model():
        done.append("model")
        return tree
    def mapper():
        done.append("mapper")
        return lambda path, leaf: leaf
    nnx.state(model()).map(mapper())
    return done
""",
        "nnx.Linear(1, 1, rngs=nnx.Rngs(0))",
    ),
    Broken(
        safety.name_is_bound_for_certain,
        "NNX211",
        "0.10.4",
        f"{HEAD}State = nnx.State\nnnx = None\ndef convert(tree: State):\n    return tree.to_pure_dict()\n",
        EMPTY,
    ),
    Broken(
        safety.names_are_bound_in_the_open,
        "NNX211",
        "0.10.4",
        f"{HEAD}State = nnx.State\n"
        "def convert(tree: State):\n    globals()['nnx'] = None\n    return tree.to_pure_dict()\n",
        EMPTY,
    ),
    Broken(
        safety.members_are_themselves,
        "NNX211",
        "0.10.4",
        f"{HEAD}def convert(tree):\n    nnx.state = lambda model: SimpleNamespace(to_pure_dict=lambda: 6)\n"
        "    return nnx.state(tree).to_pure_dict()\n",
    ),
    Broken(
        safety.members_are_themselves,
        "NNX211",
        "0.10.4",
        f"{HEAD}nnx.to_pure_dict = lambda state: 5\ndef convert(tree: nnx.State):\n    return tree.to_pure_dict()\n",
        EMPTY,
    ),
]

LINEAR = "[nnx.Linear(1, 1, rngs=nnx.Rngs(0))]"
NO_LAYER = "lambda *given, **named: 3"


def stack(value: str, head: str = "", more: str = "", parameters: str = "self") -> str:
    """Return a program that shows the structure of a Module; on some releases the Module cannot be made."""
    made = f"class Stack(nnx.Module):\n    def __init__({parameters}):\n        self.layers = {value}\n"
    return at_a_distance("return str(jax.tree.structure(Stack()))", head + made + more)


WATCHED = [
    Broken(
        safety.warnings_are_not_watched,
        code,
        floor,
        f"{HEAD}import warnings\ndef work(tree):\n    {body}\ndef convert(tree):\n"
        "    with warnings.catch_warnings(record=True) as seen:\n        warnings.simplefilter('always')\n"
        "        work(tree)\n    return len(seen)\n",
        argument,
        until="0.12.0" if code == "NNX204" else None,
    )
    for code, floor, body, argument in (
        ("NNX201", "0.12.1", "return nnx.VariableState", RAW),
        ("NNX204", "0.11", "kernel = nnx.Param(1.0); return kernel.type", RAW),
        ("NNX206", "0.12.1", "kernel = nnx.Param(1.0); return kernel.value", RAW),
        ("NNX207", "0.12.7", "return nnx.pure(tree)", EMPTY),
        ("NNX211", "0.10.4", "state = nnx.state(nnx.Rngs(0)); return state.flat_state()", RAW),
        (
            "NNX212",
            "0.12.4",
            "value = jax.numpy.zeros(1); return nnx.Param(value, sharding=('a',), eager_sharding=False)",
            RAW,
        ),
    )
]
WATCHED += [
    Broken(
        safety.warnings_are_not_watched,
        "NNX211",
        "0.10.4",
        f"{HEAD}import warnings\ndef work(tree):\n    state = nnx.state(nnx.Rngs(0))\n"
        f"    return len(state.flat_state())\n{way}",
    )
    for way in (
        "def convert(tree):\n    with warnings.catch_warnings():\n        warnings.simplefilter('error')\n"
        "        try:\n            return work(tree)\n        except Exception:\n            return 'seen'\n",
        "def convert(tree):\n    seen = []\n    with warnings.catch_warnings():\n"
        "        warnings.simplefilter('always')\n        warnings.showwarning = lambda *given: seen.append(1)\n"
        "        work(tree)\n    return seen\n",
        "import pytest\ndef convert(tree):\n    try:\n        with pytest.warns(DeprecationWarning):\n"
        "            work(tree)\n    except BaseException:\n        return 'no warning'\n    return 'a warning'\n",
    )
]

STACKS = [
    Broken(safety.no_release_runs_the_original, "NNX210", "0.12.0", stack("[nnx.Dropout(0.5)]")),
    Broken(safety.no_release_runs_the_original, "NNX210", "0.12.0", stack("[nnx.Param(1.0)]")),
    Broken(
        safety.data_is_there_from_the_start,
        "NNX210",
        "0.12.5",
        stack("None", more="    def build(self):\n        self.layers = nnx.Param(1.0)\n"),
    ),
    Broken(
        safety.data_is_there_from_the_start,
        "NNX210",
        "0.12.5",
        stack("[]", more=f"        if not isinstance(self, Stack):\n            self.layers += {LINEAR}\n"),
    ),
    Broken(
        safety.data_is_there_from_the_start,
        "NNX210",
        "0.12.5",
        stack("[nnx.Linear(1, 1, rngs=nnx.Rngs(0)) for _ in range(depth)]", parameters="self, depth=0"),
    ),
    Broken(
        safety.container_is_made_in_this_file,
        "NNX210",
        "0.12.5",
        stack("[Layer()]", "from helpers import Layer\n"),
        RAW,
        ("from flax import nnx\nclass Layer(nnx.Module): ...\n", "Layer = int\n"),
    ),
    Broken(
        safety.name_is_bound_for_certain,
        "NNX210",
        "0.12.5",
        stack("[]", "Param = nnx.Param\n", "        self.layers.append(Param(1.0))\nnnx = None\n"),
    ),
    Broken(
        safety.names_are_bound_in_the_open,
        "NNX210",
        "0.12.0",
        stack(LINEAR, more=f"globals()['nnx'] = SimpleNamespace(Rngs=int, Linear={NO_LAYER})\n"),
    ),
    Broken(safety.members_are_themselves, "NNX210", "0.12.0", stack(LINEAR, more=f"nnx.Linear = {NO_LAYER}\n")),
]

COUNTS = "lambda *given: SimpleNamespace(update=lambda *given: len(given))"
OPTIMIZERS = [
    Broken(
        safety.every_update_is_seen,
        "NNX209",
        "0.11",
        at_a_distance(UPDATED.format(returned="helpers.train(optimizer)"), "import helpers\n"),
        "nnx.Linear(1, 1, rngs=nnx.Rngs(0))",
        ("", "def train(optimizer): return type(optimizer).__name__\n"),
    ),
    Broken(
        safety.optimizer_is_known_to_all,
        "NNX209",
        "0.11",
        HEAD
        + """\
import optax
MODEL = nnx.Linear(1, 1, rngs=nnx.Rngs(0))
def convert(optimizer):
    return optimizer.update(3)
def main():
    convert(nnx.Optimizer(MODEL, optax.sgd(0.1), wrt=nnx.Param))
""",
        "SimpleNamespace(update=lambda *given: len(given))",
    ),
    Broken(
        safety.name_is_bound_for_certain,
        "NNX209",
        "0.11",
        at_a_distance(
            "optimizer = Optimizer(tree, optax.sgd(0.1))\noptimizer.update(tree)\nreturn 1",
            "import optax\nOptimizer = nnx.Optimizer\nnnx = None\n",
        ),
    ),
    Broken(
        safety.names_are_bound_in_the_open,
        "NNX209",
        "0.11",
        f"{HEAD}def convert(tree):\n    globals()['nnx'] = SimpleNamespace(Optimizer={COUNTS})\n"
        "    optimizer = nnx.Optimizer(tree, None)\n    return optimizer.update(tree)\n",
    ),
    Broken(
        safety.members_are_themselves,
        "NNX209",
        "0.11",
        f"{HEAD}setattr(nnx, ''.join(['Opti', 'mizer']), {COUNTS})\ndef convert(tree):\n"
        "    optimizer = nnx.Optimizer(tree, None)\n    return optimizer.update(tree)\n",
    ),
]

BORROWED = [
    Broken(
        safety.data_is_there_from_the_start,
        "NNX210",
        "0.12.0",
        HEAD + STACK + f"\n{way}",
    )
    for way in (
        "def convert(tree):\n    plain = SimpleNamespace()\n    Stack.__init__(plain)\n    return len(plain.layers)\n",
        "class Plain:\n    __init__ = Stack.__init__\ndef convert(tree):\n    return len(Plain().layers)\n",
    )
]

BROKEN = [
    *SEEING,
    *OWN_MEMBERS,
    *PLAIN_OBJECTS,
    *MAPPING,
    *WITHOUT_IS_LEAF,
    *COLLAPSED,
    *OWNERS,
    *FEIGNED,
    *SEEN,
    *MEMBERS,
    *IS_A_CLASS,
    *REMOVED,
    *METADATA,
    *METHODS,
    *WATCHED,
    *STACKS,
    *BORROWED,
    *OPTIMIZERS,
]

SHARED_PREDICATES = [
    Broken(
        safety.definition_is_used_in_the_open,
        "NNX101",
        "0.10",
        f"{HEAD}def convert(tree):\n    def is_leaf(x):\n        return isinstance(x, {STATE})\n"
        f"    seen = {seen}(nnx.Param(1.0))\n"
        "    return seen, jax.tree.map(lambda v: v.value, tree, is_leaf=is_leaf)\n",
        EMPTY,
    )
    for seen in ("eval('is_leaf')", "locals()['is_leaf']")
]
"""Programs that use a predicate by its text. The fix is safe, but must leave the predicate's definition as it is."""
