"""Rules, which turn facts about code into findings: one per file, named after its code. No input or output here."""
