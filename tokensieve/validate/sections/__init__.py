"""The sections of the validation: one module each, with a function `section`."""
