"""What the work costs: cycles, DRAM traffic, energy and area."""
