"""What a checkpoint brings back: its configuration, a run, a model, translations, weights."""
