"""The command line: one file for each command, their options, and what a command has run.

Enters: arguments. Leaves: files in the run folder, sentences on the terminal, an exit code. It decides nothing about results.
"""
