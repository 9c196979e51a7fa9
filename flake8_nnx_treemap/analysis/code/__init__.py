"""The text of a file and the nodes of its tree: positions, edits, walking, comments. No names are resolved here."""
