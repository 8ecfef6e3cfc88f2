"""What a declaration predicts: several devices emulated on one, in float64.

Enters: a job whose runs say what they emulate. Leaves: artifacts as any run's. It uses no code of a strategy that it checks.
"""
