"""The language server: what editors ask, in their terms, answered by the engine. Needs the extra ``[lsp]``."""
