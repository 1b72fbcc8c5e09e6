"""Many processes: who started them, which signals they get, what they tell each other.

A low room, on which metrics and training stand: it knows neither them nor the configuration.
"""
