"""A backend of NumPy with defects to inject: the whole pipeline in seconds, without a framework."""
