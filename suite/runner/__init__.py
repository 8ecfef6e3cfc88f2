"""The worker: what runs inside an environment, and, with fault injection, the only package that names a framework.

Enters: a job file. Leaves: artifacts, and how the job ended. Nobody imports it: it is started as a process.
"""
