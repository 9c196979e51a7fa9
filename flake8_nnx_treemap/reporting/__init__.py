"""Findings as text, JSON and other formats. Nothing here decides anything."""
