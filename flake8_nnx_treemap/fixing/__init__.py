"""Turns findings into new text: suppression, overlaps, passes, verification."""
