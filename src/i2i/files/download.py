"""Fetches one file over http or https: resumed when cut, checked, never half there."""

import hashlib
import http.client
import os
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from i2i.bars import bar
from i2i.errors import SettingError, setting_error
from i2i.files import atomic, pins, watched
from i2i.files.file_lock import exclusive

WEB = re.compile(r"https?://[^\s/]+(/\S*)?", re.IGNORECASE)
RETRY_WAITS = (1.0, 2.0, 4.0)  # seconds before the second, third and fourth try
TIMEOUT = 30.0  # seconds without a byte after which a connection counts as cut
CHUNK = 1 << 18  # bytes
TRANSIENT = {408, 425, 429, 500, 502, 503, 504}  # HTTP answers that a second try may mend


class _Cut(Exception):
    """The network or the server failed in a way that a second try may mend."""


class _Refused(Exception):
    """The address gives something that a second try will not mend."""


def fetch_file(
    url: str,
    target: Path,
    n_bytes: int | None = None,
    sha256: str | None = None,
    what: str = "file",
    setting: str = "download",
    by_hand: str = "",
    *,
    licence: str = "",
    waits: Sequence[float] | None = None,
    between: tuple[int, int] | None = None,
) -> Path:
    """Puts the file behind an address at ``target``, whole and checked, or not at all.

    A ``target`` with the right size and hash is kept without a request; a cut download goes on from
    ``target.part``; of two processes that ask at once, one waits.

    Args:
        url: http or https. A redirect from https to http is refused.
        target: File to make; its folder is made too.
        n_bytes: Size in bytes; None where it is not known.
        sha256: Hexadecimal digest, or its first 8 or more digits; None where none is known.
        what: Its name in progress lines and errors.
        setting: The option that asked for it, as typed; opens every error.
        by_hand: How else to get it there; "" for a browser and ``target``.
        licence: Named in errors.
        waits: Seconds before each further try after a transient failure; None for RETRY_WAITS.
        between: Bytes that it has at least and at most, where ``n_bytes`` is not known.

    Returns:
        Its absolute path.

    Raises:
        SettingError: The address cannot be reached, is too slow or gives another file (without a
            hash, another one than at the first time), another one is there, or the folder cannot be
            written.
    """
    target = Path(os.path.abspath(target))
    by_hand = by_hand or f"download it in a browser, put it at {target}, run the same command again"
    size = between if n_bytes is None else (n_bytes, n_bytes)
    job = _Job(url, target, n_bytes, sha256 or "", what, setting, by_hand, licence, size)
    return job.fetch(RETRY_WAITS if waits is None else waits)


def megabytes(n_bytes: int | None) -> str:
    """Writes a size in bytes for people; MB is 10^6 bytes."""
    if n_bytes is None:
        return "unknown"
    return f"{n_bytes:,} bytes" if n_bytes < 100_000 else f"{n_bytes / 1e6:,.1f} MB"


def file_sha256(path: Path) -> str:
    """The hexadecimal digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass
class _Job:
    """One file to fetch, as fetch_file was asked for it."""

    url: str
    target: Path
    n_bytes: int | None
    sha256: str  # lower case; "" where none is known
    what: str
    setting: str
    by_hand: str
    licence: str
    between: tuple[int, int] | None
    version: str = ""  # the server's mark for the file that the part is a part of, for If-Range

    def error(self, found: str, expected: str = "") -> SettingError:
        lines = [
            "To put it there by hand:",
            f"  address: {self.url}",
            f"  size:    {megabytes(self.n_bytes)}",
            f"  licence: {self.licence}" if self.licence else "",
            f"  target:  {self.target.parent}{os.sep}",
            f"  by hand: {self.by_hand}",
            f"  so far:  {megabytes(_size(self.part))} in {self.part}" if _size(self.part) else "",
        ]
        todo = "\n".join(filter(None, lines))
        return setting_error(self.setting, found, expected or self._right(), todo)

    @property
    def part(self) -> Path:
        return self.target.with_name(self.target.name + ".part")

    def __post_init__(self) -> None:
        self.sha256 = self.sha256.lower()
        if not WEB.fullmatch(self.url):
            expected = "one that starts with http:// or https://"
            raise self.error(f"the address {self.url!r}", expected)
        if self.sha256 and not re.fullmatch("[0-9a-f]{8,64}", self.sha256):
            raise self.error(f"sha256={self.sha256!r}", "8 to 64 hexadecimal digits")

    def fetch(self, waits: Sequence[float]) -> Path:
        """Downloads, unless the file stands or another process makes it meanwhile."""
        target = self.target
        try:
            if not self.stands():
                target.parent.mkdir(parents=True, exist_ok=True)
                with exclusive(target.with_name(target.name + ".lock"), self.what):
                    if not self.stands():
                        self.download(waits)
        except OSError as error:
            found = f"'{target}' not writable ({error.strerror or error})"
            raise self.error(found, "write permission and free space") from error
        return target

    def stands(self) -> bool:
        """Says whether the target is there; a wrong one is the user's, so it is named and kept."""
        if not os.path.exists(self.target):
            return False
        wrong, expected = self._wrong(self.target)
        if wrong:
            raise setting_error(str(self.target), wrong, expected, "Delete it and try again.")
        return True

    def download(self, waits: Sequence[float]) -> None:
        """Fills the part in as many tries as ``waits`` allow, checks it and renames it."""
        for wait in (*waits, None):
            try:
                self._attempt()
                break
            except (_Cut, _Refused) as failure:
                if isinstance(failure, _Refused) or wait is None:
                    raise self.error(str(failure)) from failure
                print(f"{self.what}: {failure}; trying again in {wait:g} s", file=sys.stderr)
                time.sleep(wait)
        wrong, expected = self._wrong(self.part)
        if wrong:
            self.part.unlink()
            raise self.error(f"{wrong} (removed; the same command fetches it anew)", expected)
        os.replace(self.part, self.target)

    def _right(self) -> str:
        size = " of {:,} to {:,} bytes".format(*self.between) if self.between else ""
        size = f" of {self.n_bytes:,} bytes" if self.n_bytes else size
        return self.what + size + (f" with sha256 {self.sha256}" if self.sha256 else "")

    def _fits(self, n_bytes: int) -> bool:
        return self.between is None or self.between[0] <= n_bytes <= self.between[1]

    def _wrong(self, path: Path) -> tuple[str, str]:
        """Says what is wrong with a whole file, "" if nothing, and what it should be.

        Without a whole hash it is compared with what first came from that address.
        """
        if not self._fits(_size(path)):
            return f"a file of {_size(path):,} bytes", self._right()
        folder = self.target.parent
        first = None if len(self.sha256) == 64 else pins.pinned(folder, self.url)
        if first is None and not self.sha256:
            return "", ""
        digest = file_sha256(path)
        if not digest.startswith(self.sha256):
            return f"a file with sha256 {digest}", self._right()
        if first is not None and digest != first[0]:
            return f"a file with sha256 {digest}", (
                f"that of {first[1]}, when it first came from this address: sha256 {first[0]}. If "
                f"its publisher has changed it, take its entry out of {folder / pins.NAME}"
            )
        return "", ""

    def _attempt(self) -> None:
        """Makes one request; goes on with a part where a mark, hash or size says what it is of."""
        known, size = self.version or self.sha256 or self.n_bytes, _size(self.part)
        offset = size if known and size <= (self.n_bytes or size) else 0
        if offset and offset == self.n_bytes:
            return
        with self._open(offset) as response:
            start, total = self._offer(response, offset)
            if total is not None and not self._fits(total):
                raise _Refused(f"a file of {total:,} bytes")
            etag, date = (response.headers.get(name, "") for name in ("ETag", "Last-Modified"))
            self.version = date if etag.startswith("W/") else etag or date
            with self._open_part(start) as out:
                done = self._copy(response, out, start, total)
        end = self.n_bytes if total is None and not response.chunked else total
        if done < (end or 0):
            raise _Cut(f"a connection that was cut after {done:,} of {end:,} bytes")

    def _open_part(self, start: int) -> IO[bytes]:
        """Goes on with the part, or makes a new one; a link of that name is not followed."""
        if start:
            flags = os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
            return os.fdopen(os.open(self.part, flags | getattr(os, "O_BINARY", 0)), "ab")
        self.part.unlink(missing_ok=True)
        return os.fdopen(os.open(self.part, atomic.NEW, 0o666), "wb")

    def _open(self, offset: int) -> Any:
        headers = {"User-Agent": "i2i", "Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
            headers |= {"If-Range": self.version} if self.version else {}
        try:
            request = urllib.request.Request(self.url, headers=headers)
            opener = urllib.request.build_opener(_SafeRedirects, *watched.HANDLERS)
            return opener.open(request, timeout=TIMEOUT)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416 and offset:
                self.part.unlink()
                return self._open(0)
            kind = _Cut if error.code in TRANSIENT else _Refused
            raise kind(f"the answer 'HTTP {error.code} {error.reason}'") from error
        except (OSError, UnicodeError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise _Cut(f"no connection to {urlsplit(self.url).netloc} ({reason})") from error

    def _offer(self, response: Any, offset: int) -> tuple[int, int | None]:
        """Reads from the headers where the body starts in the file, and the file's whole size."""
        if response.status != 206:
            length = response.headers.get("Content-Length", "")
            return 0, int(length) if length.isdecimal() else None
        span = response.headers.get("Content-Range", "")
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", span)
        if match is None or int(match[1]) != offset:
            self.part.unlink(missing_ok=True)
            raise _Cut(f"another piece than the one asked for ({span!r})")
        return offset, self.n_bytes if match[2] == "*" else int(match[2])

    def _copy(self, response: Any, out: IO[bytes], start: int, total: int | None) -> int:
        """Writes the body; a bar says how far it is."""
        size = {"total": total or self.n_bytes, "initial": start, "unit": "B", "unit_scale": True}
        done, pace = start, watched.Pace()
        with bar(desc=self.what, **size) as shown:
            while chunk := self._chunk(response, done, pace):
                done += out.write(chunk)
                shown.update(len(chunk))
                if self.between and done > self.between[1]:
                    self.part.unlink()
                    raise _Refused(f"more than {self.between[1]:,} bytes")
        out.flush()
        os.fsync(out.fileno())
        return done

    def _chunk(self, response: Any, done: int, pace: watched.Pace) -> bytes:
        try:
            with watched.within(getattr(response, "socket", None), watched.PIECE_TIME):
                chunk = response.read1(CHUNK)
            pace.add(len(chunk))
            return chunk
        except (OSError, http.client.HTTPException) as error:
            raise _Cut(f"a connection that was cut after {done:,} bytes ({error})") from error


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req, fp, code, msg, headers, newurl):
        """Follows http and https only, and never from https down to http."""
        downgrade = urlsplit(req.full_url).scheme == "https" != urlsplit(newurl).scheme
        if downgrade or not WEB.fullmatch(newurl):
            raise _Refused(f"a redirect from {req.full_url} to {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _size(path: Path) -> int:
    """Bytes of a file; 0 where there is none, or a link in its place."""
    return path.stat().st_size if path.is_file() and not path.is_symlink() else 0
