"""Real boots in emulators: a table of them (boots.py), what must hold (checks.py)."""
