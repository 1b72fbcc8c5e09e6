"""Many processes: who started them, which signals they get, what they tell each other."""
