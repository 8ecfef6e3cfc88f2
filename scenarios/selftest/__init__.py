"""Scenarios that faults are planted in: small, and with what a fault needs to act (a schedule, clipping, penalties, masks)."""
