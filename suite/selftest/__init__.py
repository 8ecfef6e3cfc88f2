"""The self-test: faults injected in real runs, and what the suite says of them. Judges nothing itself; it scores what was
judged."""
