"""Customers, instances, steps and checkpoints in SQL, as the projector reads and writes them in bulk."""
