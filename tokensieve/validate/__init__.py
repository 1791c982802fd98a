"""Everything that others published and this project can compute, expected beside modelled.

A section is a module of `sections` whose function `section` takes the folder of the reference data and returns rows.
`catalogue` lists them. "Check 6" is a number of the list in `docs/how-to/validate.md`. Sources are the paper (HPCA
2021), its authors' release (mit-han-lab/spatten), and runs of other people's simulators.
"""
