"""A Ray cluster as the nodes of a command. Ray is imported in `link` only, inside functions: it is an extra.

On each node an actor, the agent, starts the same hosts as on this machine and passes on what they say. The schedule is the
engine's own: for Ray, the agent is one actor that holds the processors and GPUs of its node.
"""
