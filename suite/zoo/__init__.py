"""The zoo: single calls of layers and losses and single updates of optimizers, on every backend and by the referee.

Enters: tables of arguments, and the environments to try them in. Leaves: for each call, whether each backend computes what
the referee defines, and the smallest call that does not. It runs its jobs through the engine; it knows no framework.
"""
