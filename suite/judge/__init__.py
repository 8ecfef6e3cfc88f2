"""Distances to verdicts: the only package that decides.

Enters: a measured `Comparison`. Leaves: a verdict for each quantity, with its causes. It reads no artifact and asks for
no run.
"""
