"""Runs a real model under the golden pruning and writes its decisions."""
