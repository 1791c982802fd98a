"""Planted faults of the units, one module per unit: each must be caught by co-simulation."""
