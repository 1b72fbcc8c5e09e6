"""Composed configurations: what may be typed, what it means, and what two of them disagree on."""
