"""Models drawn at random: another ground for the self-test than the scenarios that the judge was tuned on.

A seed gives a `Recipe`: layers with their shapes, a loss, an optimizer and data, as records. A recipe is written as an
ordinary scenario file. Which faults fit it, and where each must be found, is computed from the recipe. Nothing here imports
a framework.
"""
