"""Data that is measured on installed releases of Flax, and read when a rule asks for it."""
