"""Signs that a training fails: numbers from what a run makes anyway, and alarms in words."""
