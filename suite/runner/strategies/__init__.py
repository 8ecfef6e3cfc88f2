"""What the worker does for each strategy: one file each, with `work(job)`. What they declare is in
`suite/plan/strategies.py`."""
