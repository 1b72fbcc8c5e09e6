"""Takes weights of the field over: ``python src/import_weights.py file=latest_net_G.pth``."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from i2i.commands.imported_run import JUDGES, write_run
from i2i.commands.launch import launch
from i2i.config.plain_words import key_of
from i2i.config.unread import require_read
from i2i.errors import SettingError, setting_error
from i2i.printable import printable

SYSTEMS = ("pix2pix", "cyclegan")
USUAL = {"unet": "pix2pix", "resnet": "cyclegan"}  # the authors' default network of each
FILES = ("file", "file_back", "file_D", "file_D_back")

# Options of this command alone; what else was typed is of the run that is written.
OWN = (*FILES, "preset", "norm", "dropout", "output", "host", "cache_dir")


@dataclass
class Imported:
    """What is taken over.

    Attributes:
        system: pix2pix or cyclegan.
        networks: What was recognised in each file, by its option.
        files: Each file, by its option.
        published: The published model that it is, or None.
        dropout: Of the generators.
        assumed: What no tensor says, in words.
        hashes: The sha256 of each file, by its option.
    """

    system: str
    networks: dict[str, Any]
    files: dict[str, Path]
    published: Any = None
    dropout: float = 0.0
    assumed: list[str] = field(default_factory=list)
    hashes: dict[str, str] = field(default_factory=dict)


def import_weights(cfg: Any) -> None:
    """Reads and recognises networks, checks them, and writes a checkpoint.

    Args:
        cfg: The composed configuration.
    """
    from hydra.core.hydra_config import HydraConfig

    from i2i.run_folder import require_writable

    require_read(cfg, "import_weights")
    typed = list(HydraConfig.get().overrides.task)
    require_own(typed)
    output = Path(cfg.output or HydraConfig.get().runtime.output_dir).expanduser().absolute()
    require_unused(output)
    found = understood(cfg, chosen_model(typed))
    require_writable(output, "output")
    absent, routes = write_run(found, [o for o in typed if key_of(o) not in OWN], output)
    for option, network in found.networks.items():
        dropped = f"; {len(network.dropped)} statistics of instance norms dropped"
        print(
            f"{printable(found.files[option])}: {network.words()} ({network.n_parameters:,} "
            f"parameters{dropped if network.dropped else ''})"
        )
    print(f"Assumed, as no tensor says so: {', '.join(found.assumed)}")
    print(f"In no file, and untrained: {', '.join(absent) or 'nothing'}")
    print(f"Translates {' and '.join(routes)}: checkpoint={printable(output)}")


def require_own(typed: list[str]) -> None:
    """Refuses options of the network, which the tensors settle.

    Raises:
        SettingError: There is one.
    """
    names = {key_of(option) for option in typed}
    settled = ["generator", *(["discriminator"] if names & set(JUDGES) else [])]
    for name in sorted(names):
        if name.partition(".")[0] in settled:
            raise setting_error(
                name, "an option of a network, which the tensors of its file settle", "none",
                f"Leave {name} out; norm= and dropout= say what no tensor says.",
            )  # fmt: skip


def require_unused(output: Path) -> None:
    """Refuses to mix a checkpoint into the folder of a run.

    Raises:
        SettingError: There is one.
    """
    for name in ("checkpoints/last.ckpt", "checkpoints/best.ckpt", "metrics.csv"):
        if (output / name).exists():
            raise setting_error(
                f"output={output}", f"{name} of an earlier run", "a folder without a run",
                "Name another folder.",
            )  # fmt: skip


def chosen_model(typed: list[str]) -> str | None:
    """The system that was typed; None for none.

    Raises:
        SettingError: It is neither of the two.
    """
    named = [option.partition("=")[2] for option in typed if key_of(option) == "model"]
    if named and named[-1] not in SYSTEMS:
        raise setting_error(
            f"model={named[-1]}", "a system that their code does not train", " or ".join(SYSTEMS),
            "Leave model out.",
        )  # fmt: skip
    return named[-1] if named else None


def understood(cfg: Any, model: str | None) -> Imported:
    """What the options ask for, with every file read.

    Args:
        cfg: The composed configuration.
        model: The system that was typed, or None.

    Raises:
        SettingError: Options contradict each other, or a file is not what its option says.
    """
    from i2i.imported.published import published

    files = {name: Path(str(cfg[name])).expanduser() for name in FILES if cfg[name] is not None}
    require_choices(cfg, files)
    name = None if cfg.preset is None else str(cfg.preset)
    known = published(name, model) if name is not None and "file" not in files else None
    if known:
        files = {"file": known.fetch(Path(str(cfg.cache_dir)).expanduser(), str(cfg.host))} | files
    networks = {option: read(file, option, cfg, known) for option, file in files.items()}
    first = networks["file"]
    if name is not None and known is None:  # tensors tell which of two models of a name it is
        known = published(name, model, USUAL[first.kind])
        known.require(first, f"file={files['file']}")
    back = {"file_back", "file_D_back"} & files.keys()
    system = known.system if known else model or ("cyclegan" if back else USUAL[first.kind])
    found = Imported(system, networks, files, known, settled_dropout(first, system, cfg.dropout))
    if not known and model is None and not back:
        found.assumed.append(f"model={system} (the authors' usual one for such a network)")
    if first.kind == "unet":
        found.assumed.append(f"dropout={found.dropout} ({system}'s usual one, or as typed)")
    require_together(found)
    keep_hashes(found, cfg)
    return found


def require_choices(cfg: Any, files: dict[str, Path]) -> None:
    """Checks the options of this command before any file is read.

    Raises:
        SettingError: There is nothing to import, or an option is none of its choices.
    """
    from i2i.imported.network import NORMS

    if cfg.preset is None and "file" not in files:
        found = f"{next(iter(files))} alone" if files else "no value"
        raise setting_error(
            "file", found, "a generator's weights", "Add file=latest_net_G.pth, or preset=NAME."
        )
    if cfg.norm not in (None, *NORMS):
        raise setting_error(
            f"norm={cfg.norm}", repr(cfg.norm), f"one of {', '.join(NORMS)}", "Leave norm out."
        )
    share = cfg.dropout
    number = isinstance(share, int | float) and not isinstance(share, bool)
    if share is not None and not (number and 0 <= share < 1):
        raise setting_error(
            f"dropout={share}", repr(share), "a share from 0 to below 1", "Leave dropout out."
        )
    if cfg.host is None or cfg.cache_dir is None:
        name = "host" if cfg.host is None else "cache_dir"
        raise setting_error(f"{name}=null", "no value", "one", f"Leave {name} out.")


def read(file: Path, option: str, cfg: Any, known: Any) -> Any:
    """The network in a file.

    Args:
        file: Of a state dict.
        option: Which names it.
        cfg: The composed configuration.
        known: The published model that was downloaded to be ``file``, or None.

    Raises:
        SettingError: It cannot be read, or is a discriminator in place of a generator, or one the
            other way round.
    """
    from i2i.imported.network import recognised
    from i2i.imported.state_file import read_state

    downloaded = known is not None and option == "file"
    setting = f"{known.setting} ({file})" if downloaded else f"{option}={file}"
    try:
        network = recognised(read_state(file, setting), setting, cfg.norm)
        if downloaded:
            known.require(network, setting)
    except SettingError as error:
        if downloaded:
            raise SettingError(f"{error} Delete {file} to download it anew.") from error
        raise
    if network.generates == (option in JUDGES):
        wanted, other = ("discriminator", "file") if option in JUDGES else ("generator", "file_D")
        raise setting_error(
            setting, f"a {network.words()}", f"a {wanted}", f"Name it with {other}=."
        )
    return network


def settled_dropout(network: Any, system: str, asked: float | None) -> float:
    """The share that the generators drop in training and in ``model.inference=paper``.

    Raises:
        SettingError: The tensors say otherwise.
    """
    if network.dropout is None:
        return float(asked) if asked is not None else {"pix2pix": 0.5, "cyclegan": 0.0}[system]
    if asked is not None and bool(asked) != network.dropout:
        has = "" if network.dropout else ", no dropout"
        raise setting_error(
            f"dropout={asked}", f"a {network.words()}{has}, by its tensors",
            "dropout above 0" if network.dropout else "dropout=0", "Leave dropout out.",
        )  # fmt: skip
    return float(asked) if asked else 0.5 * network.dropout


def require_together(found: Imported) -> None:
    """Checks that the networks of several files are those of one training.

    Raises:
        SettingError: One has other options or channels than the first, or is CycleGAN's alone.
    """
    from i2i.imported.one_training import is_shown_inputs, require_twin, require_way_back

    first, networks = found.networks["file"], found.networks
    for option, network in networks.items():
        setting = f"{option}={found.files[option]}"
        back = option.endswith("_back")
        if back and found.system != "cyclegan":
            raise setting_error(
                setting, f"model={found.system}, which has no way back", "model=cyclegan",
                f"Leave {option} out, or add model=cyclegan.",
            )  # fmt: skip
        if option in JUDGES:
            x, y = (first.inputs, first.outputs)[:: -1 if back else 1]
            shown = is_shown_inputs(network, x, y, found.system, setting)
            network.options["conditional"] = shown
        if back and (twin := networks.get(option.removesuffix("_back"))):
            require_twin(network, twin, setting, option.removesuffix("_back"))
        if option == "file_back":
            require_way_back(network, first, setting)


def keep_hashes(found: Imported, cfg: Any) -> None:
    """Notes what each file is; a downloaded one, now known to be right, has to stay so."""
    from i2i.files.download import file_sha256

    folder = Path(str(cfg.cache_dir)).expanduser()
    for option, file in found.files.items():
        downloaded = found.published and option == "file" and cfg.file is None
        of_that = found.published.keep_hash(folder, str(cfg.host)) if downloaded else None
        found.hashes[option] = of_that or file_sha256(file)


def main() -> None:
    """Entry point of ``python src/import_weights.py`` and ``i2i-import-weights``."""
    launch(import_weights, "import_weights")
