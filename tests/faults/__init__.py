"""Faults that are injected into the station's log, and the checks after each. `python -m tests.faults` runs many."""
