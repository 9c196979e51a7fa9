"""Opinions about facts: one rule a file, named after its code. No input or output happens here."""
