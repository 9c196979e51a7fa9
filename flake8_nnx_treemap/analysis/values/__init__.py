"""What values are: where trees come from, which names are Variables, where type tests and version checks hold."""
