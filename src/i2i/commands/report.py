"""What a training run says of itself at its end: the test split's scores, and where all is."""

from pathlib import Path
from typing import Any


def report(
    cfg: Any, trainer: Any, model: Any, datamodule: Any, callbacks: dict[str, Any], run_dir: Path
) -> None:
    """Tests the chosen checkpoint, scores the baselines, and says where everything is."""
    from i2i.run_folder import CEILING, table

    if not datamodule.set_size("test") or trainer.limit_test_batches == 0:
        return
    if callbacks.get("pruning") and callbacks["pruning"].pruned:
        return
    best = callbacks["best"].best_model_path if callbacks.get("best") else ""
    chosen = best if cfg.test_checkpoint == "best" and best else callbacks["last"].best_model_path
    trainer.test(model, datamodule, ckpt_path=chosen, weights_only=True, verbose=False)
    scoring = callbacks["scoring"]
    result = scoring.results["test"]
    rows = {f"model ({Path(chosen).name})": result.values}
    if cfg.baselines:
        rows |= baseline_rows(trainer, model, datamodule, scoring.scorer)
    if result.ceiling:
        rows[CEILING] = result.ceiling
    if not trainer.is_global_zero:
        return
    write_test_metrics(run_dir, chosen, result, rows)
    title = f"Test split of {cfg.dataset.name}, n = {result.n_images}"
    print(f"\n{table(title, rows, result.units)}")
    picture = callbacks["samples"].last_picture if callbacks.get("samples") else None
    if picture:
        print(f"\nInput | output | target: {picture}")
    print(f"Run folder: {run_dir}")


def baseline_rows(trainer: Any, model: Any, datamodule: Any, scorer: Any) -> dict[str, Any]:
    """Scores of what needs no training, by name, over the batches that the model was tested on."""
    from i2i.metrics.baselines import mean_target, score_baselines

    mean = mean_target(datamodule.dataset("train"))
    n_batches = int(trainer.num_test_batches[0])
    found = score_baselines(scorer, datamodule.test_dataloader(), mean, model.device, n_batches)
    return {name: result.values for name, result in found.items()}


def write_test_metrics(run_dir: Path, chosen: str, result: Any, rows: dict[str, Any]) -> None:
    """test_metrics.json: the scores, of the classes too where there are any, and the protocol."""
    from i2i.run_folder import write_json

    classes = {"classes": result.classes} if result.classes else {}
    write_json(
        run_dir / "test_metrics.json",
        {"checkpoint": chosen, "n_images": result.n_images, "scores": rows, "units": result.units}
        | classes
        | {"protocol": result.protocol},
    )


def score_for_sweep(cfg: Any, scoring: Any) -> float | None:
    """The value of ``sweep_metric``, e.g. val/ssim."""
    split, _, name = cfg.sweep_metric.partition("/")
    return scoring.values.get(split, {}).get(name)
