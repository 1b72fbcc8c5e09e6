"""What a training run says of itself at its end: the test split's scores, and where all is."""

import csv
import io
from pathlib import Path
from typing import Any

from i2i.scores import by_name


def report(
    cfg: Any, trainer: Any, model: Any, datamodule: Any, callbacks: dict[str, Any], run_dir: Path
) -> None:
    """Tests the chosen checkpoint, scores the baselines, and says where everything is."""
    from i2i.run_folder import CEILING, table, write_json

    if not datamodule.set_size("test") or trainer.limit_test_batches == 0:
        return
    if callbacks.get("pruning") and callbacks["pruning"].pruned:
        return
    best = callbacks["best"].best_model_path if callbacks.get("best") else ""
    chosen = best if cfg.test_checkpoint == "best" and best else callbacks["last"].best_model_path
    trainer.test(model, datamodule, ckpt_path=chosen, weights_only=True, verbose=False)
    scoring = callbacks["scoring"]
    results = scoring.results["test"]
    rows = {route: {f"model ({Path(chosen).name})": r.values} for route, r in results.items()}
    if cfg.baselines:
        for route, found in baselines(trainer, model, datamodule, scoring.scorers).items():
            rows[route] |= {name: r.values for name, r in found.items() if r.values}
    if not trainer.is_global_zero:
        return
    for route, result in results.items():
        if result.ceiling:
            rows[route][CEILING] = result.ceiling
        title = title_of("Test", cfg.dataset.name, results, route)
        print(f"\n{table(title, rows[route], result.units)}")
    names = dict.fromkeys(name for found in rows.values() for name in found)
    scores = {n: by_name({route: own.get(n, {}) for route, own in rows.items()}) for n in names}
    content = {"checkpoint": chosen, "scores": scores} | of_routes(results)
    content |= {"more_is_better": scoring.directions(trainer, model)}
    write_per_image(run_dir, results)
    write_json(run_dir / "test_metrics.json", content)
    for logger in trainer.loggers:
        if hasattr(logger, "log_result"):
            pictures = callbacks.get("test_pictures")
            logger.log_result(content, pictures.label_maps if pictures else {})
    samples = callbacks.get("samples")
    if samples and samples.last_picture:
        print(f"\n{samples.columns}: {samples.last_picture}")
    print(f"Run folder: {run_dir}")


def baselines(trainer: Any, model: Any, datamodule: Any, scorers: Any) -> dict[str, Any]:
    """Scores of what needs no training, by route, over the batches that the model was tested on."""
    from i2i.metrics.baselines import mean_targets, score_baselines

    def shown(batch: Any) -> Any:
        return model.shown(model.transfer_batch_to_device(batch, model.device, 0))

    means = mean_targets(datamodule.dataset("train"), model.shown)
    n_batches = int(trainer.num_test_batches[0])
    return score_baselines(scorers, shown, datamodule.test_dataloader(), means, n_batches)


def of_routes(results: dict[str, Any]) -> dict[str, Any]:
    """What a file of scores says beside them: units, classes, and how they were made."""
    parts = {
        "ceiling": by_name({route: result.ceiling or {} for route, result in results.items()}),
        "classes": by_name({route: result.classes for route, result in results.items()}),
    }
    main = next(iter(results))
    protocols = {route: result.protocol for route, result in results.items()}
    return {
        "n_images": results[main].n_images,  # of the main route; a protocol says that of each
        "units": by_name({route: result.units for route, result in results.items()}),
        **{name: part for name, part in parts.items() if part},
        "protocol": protocols if len(results) > 1 else protocols[main],
    }


def write_per_image(folder: Path, results: dict[str, Any]) -> None:
    """A CSV file for each route, with one line per image."""
    from i2i.run_folder import write_text

    for route, result in results.items():
        text = io.StringIO()
        writer = csv.DictWriter(text, list(result.per_image[0]))
        writer.writeheader()
        writer.writerows(result.per_image)
        name = f"per_image_{route}.csv" if len(results) > 1 else "per_image.csv"
        write_text(folder / name, text.getvalue())


def title_of(split: str, data: str, results: dict[str, Any], route: str) -> str:
    """The heading of a route's table."""
    where = f", {route}" if len(results) > 1 else ""
    return f"{split} split of {data}{where}, n = {results[route].n_images}"


def score_for_sweep(cfg: Any, trainer: Any, model: Any, scoring: Any) -> float | None:
    """The value of ``sweep_metric``, e.g. val/ssim, or of the main score."""
    from i2i.callbacks.scoring import judged_by

    score = cfg.sweep_metric or judged_by(trainer, model, None, "sweep_metric")[0] or ""
    split, _, name = score.partition("/")
    return scoring.values.get(split, {}).get(name)
