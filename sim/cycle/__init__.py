"""Level `cycle`: decisions laid out in tables, run through the kernels, counted into a `Result`."""
