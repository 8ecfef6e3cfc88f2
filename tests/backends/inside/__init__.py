"""What runs inside an environment of a backend, started by tests: nothing here imports pytest."""
