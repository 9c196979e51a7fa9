"""Facts about source code: what names mean, which calls map over trees, and how. No opinions live here."""
