"""What joins the rooms: golden answers, simulated costs and hardware, compared."""
