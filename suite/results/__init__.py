"""A run folder to one `Results` record: every run, pair and check, judged and explained.

Enters: a plan, a session and their artifacts; a baseline; accepted differences. Leaves: `Results`. It runs and renders
nothing.
"""
