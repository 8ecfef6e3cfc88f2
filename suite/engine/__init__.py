"""Where jobs run: environments are made, and a warm host for each forks a process for every job.

Enters: environments and jobs. Leaves: interpreters that are ready, and how each job ended; the jobs themselves leave
artifacts. It knows no scenario and imports no framework. Linux is supported and tested. Elsewhere one guard is missing:
only there does the kernel end the jobs of a host that was killed.
"""
