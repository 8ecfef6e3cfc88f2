"""Where jobs run: environments are made, and a warm host for each forks a process for every job.

Enters: environments and jobs. Leaves: outcomes; the jobs themselves leave artifacts. It knows no scenario and imports no framework.
"""
