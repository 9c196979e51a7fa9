"""What values are: where trees come from, which names are Variables, and where tests and version checks hold."""
