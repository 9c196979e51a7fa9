"""Calls of tree functions, and the functions that are given to them: predicates, mappers, loops over leaves."""
