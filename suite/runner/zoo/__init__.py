"""The zoo's side of a worker: builds what a case names, gives it values, and runs it once."""
