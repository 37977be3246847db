"""The four services. `python -m services` runs them in one process (the embedded mode)."""
