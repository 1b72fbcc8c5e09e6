"""What a network is shown of a pair: tasks on single photographs, and label maps."""
