"""What is done: keep, resize, move, mix or take the cheapest, and the record of why. Charges nothing."""
