"""Whose fault it is that something did not reach W&B: that of W&B, or of a file that is ours."""

import errno

from PIL import UnidentifiedImageError

from i2i.files.ordinary import Unreadable

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)


def local_fault(error: BaseException) -> bool:
    """Whether an error tells of a file of this machine, and not of W&B's process or server.

    Connections fail with ``OSError`` as well, and so do those of ``requests``; they name no file.
    """
    if isinstance(error, Unreadable | UnidentifiedImageError):
        return True
    if not isinstance(error, OSError) or isinstance(error, ConnectionError | TimeoutError):
        return False
    return error.filename is not None or error.errno in NO_ROOM
