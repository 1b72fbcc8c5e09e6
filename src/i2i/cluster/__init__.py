"""Many processes: ranks, schedulers, signals, and what processes have to agree on."""
