"""What is to run, decided before anything runs.

Enters: scenarios, environments, strategies and options. Leaves: runs, jobs, and what is refused with its reason. It
runs nothing.
"""
