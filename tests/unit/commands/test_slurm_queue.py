"""What squeue prints."""

from i2i.commands.slurm_queue import read_states


def test_lines_of_another_form_are_no_jobs() -> None:
    text = "slurm_load_jobs: retrying\n12_0|RUNNING\n\n  12_1|PENDING \na|b|c\n"
    assert read_states(text) == {"12_0": "RUNNING", "12_1": "PENDING"}
