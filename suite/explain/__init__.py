"""From verdicts to causes: asks for further runs, groups findings; runs nothing."""
