"""The self-test: faults are injected in real runs, and what was reported for them is scored.

Enters: a catalogue of faults, and results. Leaves: a plan with faults, and a score. It judges nothing itself.
"""
