"""From findings to new text: suppression, overlaps, passes, verification."""
