"""Calls of tree functions such as ``jax.tree.map``, their predicates and mappers, and loops over leaves."""
