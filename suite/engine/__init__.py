"""Makes environments and runs jobs in them, on this machine; only `suite.commands.execution` drives it.

Enters: environments and jobs. Leaves: interpreters that are ready, and how each job ended. It knows nothing of what jobs compute.
Linux is supported and tested. Elsewhere one guard is missing: only there does the kernel end the jobs of a host that was killed.
"""
