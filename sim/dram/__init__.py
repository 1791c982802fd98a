"""DRAM alone: streams and traces played on its controllers, and what came back."""
