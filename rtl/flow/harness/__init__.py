"""Harnesses of the units: from vectors to beats and back, one module per unit."""
