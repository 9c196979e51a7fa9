"""Facts about source code: what names mean, which calls map over trees, and how. It judges nothing; the rules do."""
