"""Executes jobs; only __main__ imports it."""
