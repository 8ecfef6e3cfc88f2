"""From measured differences to causes and findings.

Enters: comparisons and the run folder. Leaves: diagnoses, findings, and the further runs that would decide what is
open. It runs nothing, and makes no words.
"""
