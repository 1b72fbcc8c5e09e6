"""A data set that is one archive behind an address: fetched, checked, unpacked in one piece."""

import gzip
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import unquote, urlsplit

from i2i.errors import SettingError, setting_error
from i2i.files import pins
from i2i.files.beside import beside, fresh, take_away
from i2i.files.download import fetch_file, file_sha256, megabytes
from i2i.files.file_lock import exclusive

MAX_GROWTH = 20  # unpacked bytes per archive byte; an archive of JPEGs has about 1
FREE_GROWTH = 64_000_000  # unpacked bytes that any archive may have
MAX_MEMBERS = 2_000_000  # files and folders; edges2handbags has 140,000
MAX_READ = 1 << 24  # bytes asked for at once, so that a forged header cannot fill the memory
CORRUPT = (
    EOFError,
    RuntimeError,  # an encrypted zip, or (NotImplementedError) an unknown compression
    UnicodeError,
    gzip.BadGzipFile,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


class _Unsafe(Exception):
    """The archive holds something that must not be unpacked."""


class Archive:
    """Where a data set comes from: a .tar.gz, .tgz or .zip with one folder of images in it.

    Args:
        url: http or https address of the archive.
        n_bytes: Its size in bytes; None where it is not known.
        sha256: Its hexadecimal digest; "" where none is published: then that of the first archive
            that could be unpacked is kept beside the root, and another one is refused.
        licence: Who may use the images for what; printed before a download, named in errors.
        folder: The archive's top folder, the one that becomes the data set's root.
        keep_archive: Whether the archive stays beside the root after unpacking.

    Raises:
        SettingError: The address does not end in .tar.gz, .tgz or .zip.
    """

    def __init__(
        self,
        url: str,
        n_bytes: int | None,
        sha256: str,
        licence: str,
        folder: str,
        keep_archive: bool = True,
    ) -> None:
        self.url, self.n_bytes, self.sha256 = url, n_bytes, sha256
        self.licence, self.folder, self.keep_archive = licence, folder, keep_archive
        self.file_name = unquote(urlsplit(url).path).rpartition("/")[2]
        if not self.file_name.endswith((".tar.gz", ".tgz", ".zip")):
            todo = "Correct 'url' of the preset's source."
            raise setting_error(f"dataset={folder}", url, "a .tar.gz, .tgz or .zip", todo)

    def prepare(self, root: Path) -> None:
        """Makes ``root`` out of the archive, which is fetched unless it lies beside ``root``.

        A ``root`` with anything in it is left alone: it appears in one piece, so it is whole, or it
        is the user's. Two processes may ask at once.

        Args:
            root: Folder of the data set, usually ``data_dir/folder``. The archive goes beside it.

        Raises:
            SettingError: The archive cannot be fetched, is not the one expected, is broken or
                unsafe, or has no such folder; or the disk is full or may not be written.
        """
        root = Path(os.path.realpath(root) if Path(root).is_symlink() else os.path.abspath(root))
        try:
            if _occupied(root):
                return
            root.parent.mkdir(parents=True, exist_ok=True)
            with exclusive(beside(root, "lock"), self.folder):
                if not _occupied(root):
                    self._unpack(self._fetch(root), root)
        except OSError as error:
            found = f"a folder that cannot be written ({error.strerror or error})"
            todo = "Name another: dataset.root=FOLDER."
            expected = f"write permission and free space in '{root.parent}'"
            raise setting_error(f"dataset.root='{root}'", found, expected, todo) from error

    def _fetch(self, root: Path) -> Path:
        """Gets the archive, or checks the one put there by hand."""
        archive = root.with_name(self.file_name)
        print(f"{self.folder}: licence: {self.licence}", flush=True)
        if not archive.exists():
            self._check_space(root, 2 * (self.n_bytes or 0))
        return fetch_file(
            self.url,
            archive,
            self.n_bytes,
            self.sha256 or None,
            what=self.file_name,
            setting=f"dataset={self.folder}",
            licence=self.licence,
        )

    def _unpack(self, archive: Path, root: Path) -> None:
        """Unpacks into a folder beside ``root``, which gets the name ``root`` when it is whole."""
        self._check_space(root, archive.stat().st_size)
        staging = fresh(beside(root, "unpacking"))
        try:
            self._extract(archive, staging)
            if not (staging / self.folder).is_dir():
                found = sorted(path.name for path in staging.iterdir())[:5]
                raise self._bad(archive, f"no folder '{self.folder}' in it, only {found}")
            os.replace(staging / self.folder, root)
            if not self.sha256:  # of an archive that was good
                pins.pin(root.parent, self.url, file_sha256(archive))
        finally:
            take_away(staging)
        fate = f"{archive} is kept; it may be deleted" if self.keep_archive else "archive deleted"
        if not self.keep_archive:
            archive.unlink()
        print(f"{self.folder}: unpacked to {root} ({fate})", flush=True)

    def _extract(self, archive: Path, staging: Path) -> None:
        guard = _Guard(archive.stat().st_size)
        try:
            (_extract_zip if archive.suffix == ".zip" else _extract_tar)(archive, staging, guard)
        except _Unsafe as unsafe:
            raise self._bad(archive, str(unsafe)) from unsafe
        except CORRUPT as error:
            reason = f"{type(error).__name__}: {error}".rstrip(": ")
            raise self._bad(archive, f"a broken file ({reason})") from error

    def _bad(self, archive: Path, found: str) -> SettingError:
        expected = f"a whole archive of files below '{self.folder}{os.sep}'; nothing was unpacked"
        todo = f"Delete the file and run the same command again; it comes from {self.url}"
        return setting_error(str(archive), found, expected, todo)

    def _check_space(self, root: Path, needed: int) -> None:
        free = shutil.disk_usage(root.parent).free
        if free < needed:
            found, expected = f"{megabytes(free)} free on its disk", f"{megabytes(needed)} or more"
            todo = "Free some space, or name another disk: dataset.root=FOLDER."
            raise setting_error(f"dataset.root='{root}'", found, expected, todo)


class _Guard:
    """Refuses an archive that may do harm: names that lead out, links, devices, bombs.

    Stricter than tarfile's filter and zipfile, which mend such names and know no limits.
    """

    def __init__(self, archive_bytes: int) -> None:
        self.archive_bytes, self.limit = archive_bytes, max(MAX_GROWTH * archive_bytes, FREE_GROWTH)
        self.n_members = self.n_bytes = 0

    def check(self, name: str, n_bytes: int, kind: str) -> None:
        """Looks at a member before it is unpacked; ``kind`` is file, folder, or what else it is."""
        leaves = PureWindowsPath(name).anchor or ".." in PurePosixPath(name).parts
        if leaves or set(name) & {"\\", "\0"}:
            raise _Unsafe(f"the member {name!r}, which may leave the folder")
        if kind not in ("file", "folder"):
            raise _Unsafe(f"the member {name!r}, which is {kind}")
        self.n_members, self.n_bytes = self.n_members + 1, self.n_bytes + n_bytes
        if self.n_bytes > self.limit or self.n_members > MAX_MEMBERS:
            size = f"more than {megabytes(self.limit)} or {MAX_MEMBERS:,} members"
            raise _Unsafe(f"{size} from an archive of {self.archive_bytes:,} bytes")


class _BoundedGzip(gzip.GzipFile):
    """Refuses reads that only a forged header asks for (a tar's extended header is read whole)."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= MAX_READ:
            raise _Unsafe(f"a header of {size:,} bytes")
        return super().read(size)


def _extract_tar(archive: Path, staging: Path, guard: _Guard) -> None:
    kinds = {tarfile.SYMTYPE: "a symbolic link", tarfile.LNKTYPE: "a hard link"}

    def guarded(info: tarfile.TarInfo, path: str) -> tarfile.TarInfo:
        kind = "file" if info.isreg() else "folder" if info.isdir() else None
        guard.check(info.name, info.size, kind or kinds.get(info.type, "a device"))
        return tarfile.data_filter(info, path)

    with _BoundedGzip(archive) as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
        while info := tar.next():
            tar.extract(info, staging, filter=guarded)
            tar.members.clear()  # otherwise every entry stays in memory
        stream.read(MAX_READ)  # to the end, where gzip compares its checksum


def _extract_zip(archive: Path, staging: Path, guard: _Guard) -> None:
    kinds = {
        0: "file",
        stat.S_IFREG: "file",
        stat.S_IFDIR: "folder",
        stat.S_IFLNK: "a symbolic link",
    }
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            kind = kinds.get(stat.S_IFMT(info.external_attr >> 16), "a device")
            kind = "folder" if kind == "file" and info.is_dir() else kind
            guard.check(info.filename, info.file_size, kind)
            target = Path(file.extract(info, staging))
            if kind == "file" and target.stat().st_size != info.file_size:
                raise EOFError(f"{info.filename} ends early")


def _occupied(root: Path) -> bool:
    """Says whether there is anything at ``root`` but an empty folder."""
    return root.exists() and not (root.is_dir() and not any(root.iterdir()))
