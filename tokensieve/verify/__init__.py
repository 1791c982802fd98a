"""Hardware against golden answers, cycle laws and twins: co-simulation of the units."""
