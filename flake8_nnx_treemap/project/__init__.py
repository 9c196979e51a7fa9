"""The project around a file: configuration, Flax floor, discovery, notebooks, reading and writing."""
