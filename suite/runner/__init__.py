"""The worker: the only package that may name keras, tensorflow, jax or torch."""
