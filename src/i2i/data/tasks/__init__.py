"""Tasks that make input and target from single photographs."""
