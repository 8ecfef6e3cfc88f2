"""One training step from each of several common states, recorded stage by stage.

Enters: a job with the run whose states it starts from. Leaves: one set of arrays for each state. It compares nothing.
"""
