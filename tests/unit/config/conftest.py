"""Options composed for a command, and the question whether all of them are read."""

from collections.abc import Callable

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from conftest import CONF, ROOT
from i2i.config.resolvers import register
from i2i.config.unread import require_read


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Composes options for a command, and asks whether all of them are read."""
    monkeypatch.setenv("I2I_ROOT", str(ROOT))
    register()

    def check(*options: str, command: str = "config") -> None:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            cfg = compose(command, list(options), return_hydra_config=True)
        monkeypatch.setattr(HydraConfig.instance(), "cfg", cfg)
        plain = OmegaConf.to_container(cfg, resolve=False)
        del plain["hydra"]
        require_read(OmegaConf.create(plain), command)

    return check
