"""A backend of NumPy alone, with defects to inject: the whole pipeline in seconds, without a framework."""
