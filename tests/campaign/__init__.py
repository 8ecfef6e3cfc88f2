"""A campaign against the suite: faults while it runs, artifacts that are damaged afterwards, and inputs that are hostile.

    nox -s campaign -- --seed 7 --count 100

Everything is drawn from a seed, so that whatever is found can be found again. What must hold is the same everywhere: nothing
is lost, nothing that is damaged is believed, no verdict changes without exit code 2, nothing hangs or is left behind.
"""
