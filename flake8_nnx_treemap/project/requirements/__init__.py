"""What the files of a project say about Flax: one module for each family of files, and one for what they write."""
