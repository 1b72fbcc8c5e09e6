"""Uploading: what is asked for goes, and nothing else."""

from pathlib import Path
from typing import Any

import pytest

from i2i.errors import SettingError
from i2i.sharing.push import hub, push


class Client:
    """Stands in for the hub's client, and notes what it is asked for."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.asked = error, list[dict[str, Any]]()

    def create_repo(self, name: str, **options: Any) -> str:
        self.asked.append({"name": name, **options})
        return f"https://hub.example/{name}"

    def upload_folder(self, **options: Any) -> None:
        if self.error:
            raise self.error
        self.asked.append(options)


def test_the_files_that_are_named_go(tmp_path: Path) -> None:
    client = Client()
    assert push(client, "me/model", tmp_path, ("a", "b"), True) == "https://hub.example/me/model"
    made, sent = client.asked
    assert made == {"name": "me/model", "private": True, "exist_ok": True}
    assert sent["allow_patterns"] == ["a", "b"] and sent["folder_path"] == str(tmp_path)


def test_a_refusal_says_where_the_files_are(tmp_path: Path) -> None:
    words = rf"^push=me/model: found no way to upload \(403\).*The files are in {tmp_path}"
    with pytest.raises(SettingError, match=words):
        push(Client(PermissionError("403")), "me/model", tmp_path, ("a",), False)


@pytest.mark.parametrize("name", ["a/b/c", "", "a b"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(SettingError, match=rf"^push={name}: found .*OWNER/NAME on the hub"):
        hub(name)
