"""Everything that others published and this project can compute, expected beside modelled.

A module is a section: a function that takes the folder of the reference data and gives rows. `catalogue` lists them.
Checks are numbered as in the list that the project set itself ("check 6"); sources are the paper (HPCA 2021), its
authors' release (mit-han-lab/spatten), and runs of other people's simulators.
"""
