"""What each name of a file means at each place: scopes, bindings, which of them reaches a use, how Flax is spelled."""
