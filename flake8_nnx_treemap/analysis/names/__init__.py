"""What each name of a file means at each place: scopes, bindings, reaching definitions, spellings of Flax names."""
