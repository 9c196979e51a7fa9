"""Tells which context managers are known never to swallow an error that is raised in their ``with``."""

from __future__ import annotations

import ast

from flake8_nnx_treemap.analysis.code.nodes import dotted_name

NEVER_SWALLOW = frozenset(
    {
        # Files, folders, locks and pools of the standard library.
        *("open", "closing", "nullcontext", "redirect_stdout", "redirect_stderr", "chdir", "catch_warnings"),
        *("TemporaryDirectory", "NamedTemporaryFile", "TemporaryFile", "ZipFile", "lock", "Lock", "RLock", "Pool"),
        *("ThreadPoolExecutor", "ProcessPoolExecutor", "localcontext"),
        # Meshes and settings of JAX.
        *("mesh", "Mesh", "AbstractMesh", "set_mesh", "use_mesh", "default_device", "default_matmul_precision"),
        *("disable_jit", "enable_x64", "debug_nans", "transfer_guard", "named_scope", "log_compiles"),
        *("ensure_compile_time_eval", "checking_leaks", "StepTraceAnnotation", "TraceAnnotation"),
        # Flax and the packages around it.
        *("axis_rules", "logical_axis_rules", "use_eager_sharding", "CheckpointManager", "StandardCheckpointer"),
        # What reads data and draws progress.
        *("errstate", "printoptions", "File", "tqdm", "trange", "no_grad", "inference_mode"),
    }
)
"""The last words of their names, as people write them: ``jax.set_mesh(…)``, ``self.mesh``, ``open(…)``."""


def may_swallow(manager: ast.expr) -> bool:
    """Tell whether a context manager may swallow an error: true unless it is known not to.

    Args:
        manager: the expression after ``with``.
    """
    name = dotted_name(manager.func if isinstance(manager, ast.Call) else manager)
    return name is None or name[-1] not in NEVER_SWALLOW
