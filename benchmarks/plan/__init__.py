"""How long planning a whole fleet takes, and whether every decision of a small world is the best there is."""
