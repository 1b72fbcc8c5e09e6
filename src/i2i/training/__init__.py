"""Training: Lightning modules that receive their networks and losses ready-made."""
