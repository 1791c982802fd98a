"""Level `analytic`: closed form, over whole batches of design points."""
