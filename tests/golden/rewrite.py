"""`make golden`: writes losses_cpu.csv anew. Doing so needs a line in CHANGELOG.md."""

import csv

from golden_run import COLUMNS, FILE, golden_losses

if __name__ == "__main__":
    with FILE.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("step", *COLUMNS))
        for step, row in enumerate(golden_losses(), start=1):
            writer.writerow((step, *(f"{value:.6f}" for value in row)))
    print(f"{FILE} written: say in CHANGELOG.md why the numbers moved")
