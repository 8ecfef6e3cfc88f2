"""Where the jobs of a command run: on this machine, or on a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from suite.commands.options import RunOptions
from suite.commands.streams import say
from suite.engine.local import Local
from suite.engine.sites import Site
from suite.records import UsageError


@contextmanager
def site(options: RunOptions) -> Iterator[Site]:
    """The site that was asked for. Nothing is left on a cluster afterwards.

    Raises:
        UsageError: what was given does not fit together, or the cluster cannot be used; the message says why.
    """
    if options.engine == "local":
        if options.shared is not None:
            raise UsageError(f"--shared {options.shared} is for --engine ray: this machine has all its folders anyway")
        yield Local()
        return
    from suite.engine.ray import cluster  # only here: Ray is an extra

    with cluster.connected(options.ray_address, shared=options.shared, out=options.out, report=say) as found:
        yield found
