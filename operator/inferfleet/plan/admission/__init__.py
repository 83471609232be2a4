"""What of it is possible now: capacity, pools that back off, budgets, and what already runs. Chooses nothing."""
