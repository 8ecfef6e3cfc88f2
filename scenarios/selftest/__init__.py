"""Scenarios that faults are injected in: small, and with what a fault needs to act (a schedule, clipping, penalties,
masks)."""
