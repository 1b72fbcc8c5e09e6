"""Files that were exported, onto Hugging Face's hub: when somebody asks for it, and then alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from i2i.errors import first_line, setting_error


def hub(name: Any) -> Any:
    """The hub's client, before anything is computed.

    Args:
        name: The option ``push``: OWNER/NAME or NAME.

    Raises:
        SettingError: The package is missing, or the name is none.
    """
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.utils import validate_repo_id
    except ImportError as error:
        raise setting_error(
            f"push={name}", "no package huggingface_hub", "it, to upload files",
            "Install it: pip install huggingface_hub. Or leave push out.",
        ) from error  # fmt: skip
    try:
        validate_repo_id(str(name))
    except ValueError as error:
        raise setting_error(
            f"push={name}", first_line(error), "OWNER/NAME on the hub", "Correct it."
        ) from error
    return HfApi()


def push(api: Any, name: str, folder: Path, files: Sequence[str], private: bool) -> str:
    """Uploads files into a repository, which is made where there is none.

    The token is huggingface_hub's own: HF_TOKEN in the environment, or its login. It is neither
    read nor written here.

    Args:
        api: What ``hub`` gave.
        name: Of the repository.
        folder: Where the files are.
        files: Their names; no other file goes.
        private: Of a new repository: whether its owner alone sees it.

    Returns:
        Its address.

    Raises:
        SettingError: The hub refused, or is not reached.
    """
    try:
        address = api.create_repo(name, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=name, folder_path=str(folder), allow_patterns=list(files),
            commit_message="A model exported by i2i",
        )  # fmt: skip
    except Exception as error:  # the client has many kinds, and those of its HTTP library
        raise setting_error(
            f"push={name}", f"no way to upload ({first_line(error)})", "a repository of yours",
            f"The files are in {folder}. Set HF_TOKEN to a token that may write, then upload them: "
            f"hf upload {name} {folder}",
        ) from error  # fmt: skip
    return str(address)
