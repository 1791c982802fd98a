"""Energy and area: what units are made of, and what each action takes."""
