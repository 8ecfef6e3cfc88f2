"""The worker's side of `parity check`: loads somebody's file, predicts, and records what its layers return."""
