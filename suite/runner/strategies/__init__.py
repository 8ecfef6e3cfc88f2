"""One strategy a file, object STRATEGY; frameworks are imported inside functions."""
