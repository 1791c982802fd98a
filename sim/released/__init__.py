"""The authors' released RTL, cycle by cycle."""
