"""What runs leave behind, on disk: the only bridge between running and judging.

Enters: arrays, manifests, plans and sessions to store. Leaves: the same, read back and checked. It computes nothing and
fills no gap.
"""
