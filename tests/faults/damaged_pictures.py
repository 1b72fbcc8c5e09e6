"""Files that are no whole picture, or claim what they do not hold."""

import json
import struct
import zipfile
import zlib

import numpy as np

from faults import picture_bytes as made
from faults.odd_pictures import (
    SIZE,
    Cases,
    by_numpy,
    by_pillow,
    known,
    noise,
    photograph,
    pickled,
)

SUFFIXES = {
    "jpeg": ".jpg", "png": ".png", "webp": ".webp", "bmp": ".bmp", "gif": ".gif", "ppm": ".ppm",
    "tiff": ".tif", "npy": ".npy", "npz": ".npz",
}  # fmt: skip
DAMAGED = r"cut short|damaged|empty|no format|lacks a part|archive|header"
NO_FORMAT = r"no format|not an image|neither"
CLAIMS = r"max_megapixels|cut short|damaged|lacks a part|header"


def whole(image: np.ndarray) -> dict[str, bytes]:
    """A picture of 8-bit colours in each format."""
    return {
        "jpeg": made.saved(image, "JPEG", quality=95), "png": made.png(image),
        "webp": made.saved(image, "WEBP", lossless=True), "bmp": made.saved(image, "BMP"),
        "gif": made.saved(image[:, :, 0], "GIF"), "ppm": made.saved(image, "PPM"),
        "tiff": made.tiff(image), "npy": made.npy(image), "npz": made.npz(image=made.npy(image)),
    }  # fmt: skip


def truncated(cases: Cases, rng: np.random.Generator) -> None:
    """Cut somewhere; near the end some formats hold nothing that is missed."""
    for kind, data in whole(noise(rng)).items():
        for share in (*rng.uniform(0.02, 0.9, 4), 0.5):
            end = max(1, int(len(data) * share))
            cases.add(f"cut {kind}", SUFFIXES[kind], data[:end], refused=DAMAGED)
        reference = by_numpy(data) if kind in ("npy", "npz") else by_pillow(data)
        for missing in (1, 2, 5):
            last = data[:-missing]
            cases.add(f"cut at the end {kind}", SUFFIXES[kind], last, either=known(reference))


def closed_again(cases: Cases, rng: np.random.Generator) -> None:
    """Cut, and made to look whole."""
    image = noise(rng)
    for progressive in (False, True):
        data = made.saved(image, "JPEG", quality=95, progressive=progressive)
        scan = data.index(b"\xff\xda")
        for share in (0.1, 0.3, 0.5, 0.8):
            end = scan + 14 + int((len(data) - scan - 14) * share)
            half = data[:end].rstrip(b"\xff") + b"\xff\xd9"
            cases.add("closed jpeg", ".jpg", half, refused=DAMAGED)
    packed = zlib.compress(made.rows(image, 8))
    for share in (0.0, 0.2, 0.5, 0.9):
        half = made.png(image, packed=packed[: int(len(packed) * share)])
        cases.add("closed png", ".png", half, refused=DAMAGED)
    few = zlib.compress(made.rows(image[:6], 8))
    cases.add("closed png", ".png", made.png(image, packed=few), refused=DAMAGED)
    for missing in (1, 60, 600):
        short = made.tiff(image, short=missing)
        cases.add("closed tiff", ".tif", short, either=known(image))  # nothing of it is missing
    data = made.saved(image[:, :, 0], "GIF")
    for share in (0.3, 0.6):
        end = 800 + int((len(data) - 800) * share)
        cases.add("closed gif", ".gif", data[:end] + b"\0\x3b", either=by_pillow)
    for kind in ("webp", "bmp"):
        data = whole(image)[kind]
        half = bytearray(data[: len(data) // 2])
        struct.pack_into("<I", half, 4 if kind == "webp" else 2, len(half) - 8 * (kind == "webp"))
        cases.add(f"closed {kind}", SUFFIXES[kind], bytes(half), refused=DAMAGED)
    short = made.npy(image)[:-100]
    cases.add("closed npz", ".npz", made.npz(a=short), refused=DAMAGED)
    cases.add("closed npz", ".npz", made.npz(zipfile.ZIP_STORED, a=short), refused=DAMAGED)
    comment = made.chunk(b"tEXt", b"Comment\0x", crc=1)
    cases.add("wrong crc of a comment", ".png", made.png(image, before=comment),
              either=known(image))  # fmt: skip


def one_byte(cases: Cases, rng: np.random.Generator) -> None:
    """One wrong byte; checksums find it, and other formats are what another reader makes of it."""
    image, smooth = noise(rng), photograph(rng)
    data = made.png(image)
    start = data.index(b"IDAT") + 4
    end = len(data) - 16
    for place in rng.integers(start, end, 10):
        cases.add("byte of png", ".png", made.without(data, [place]), refused=DAMAGED)
    for place in rng.choice(np.arange(16, 29), 5, replace=False):
        cases.add("byte of png header", ".png", made.without(data, [place]), refused=DAMAGED)
    for place in (29, 32, end, end + 3, len(data) - 2):
        cases.add("byte of png checksum", ".png", made.without(data, [place]), refused=DAMAGED)
    packed = zlib.compress(made.rows(image, 8))
    for place in rng.integers(2, len(packed), 8):
        wrong = made.png(image, packed=made.without(packed, [place]))
        cases.add("byte of png with checksum", ".png", wrong, refused=DAMAGED)
    for progressive in (False, True):
        jpeg = made.saved(smooth, "JPEG", quality=95, progressive=progressive)
        for place in rng.integers(jpeg.index(b"\xff\xda"), len(jpeg), 10):
            cases.add("byte of jpeg", ".jpg", made.without(jpeg, [place]), either=by_pillow,
                      within=3)  # fmt: skip
        for place in rng.integers(0, jpeg.index(b"\xff\xda"), 4):
            cases.add("byte of jpeg header", ".jpg", made.without(jpeg, [place]), either=by_pillow,
                      within=3)  # fmt: skip
    for kind in ("webp", "gif", "bmp", "ppm"):
        for place in rng.integers(0, len(whole(image)[kind]), 6):
            wrong = made.without(whole(image)[kind], [place])
            cases.add(f"byte of {kind}", SUFFIXES[kind], wrong, either=by_pillow)
    packed = made.tiff(image, deflate=True)  # whose last byte may be there to make a whole word
    for place in rng.integers(len(packed) - 600, len(packed) - 1, 6):
        cases.add("byte of packed tiff", ".tif", made.without(packed, [place]), refused=DAMAGED)
    for place in rng.integers(0, 170, 10):
        wrong = made.without(made.tiff(image), [place])  # which may be another whole picture
        cases.add("byte of tiff header", ".tif", wrong, either=known(image), within=255)
    archive = made.npz(image=made.npy(image))
    for place in rng.integers(40, len(archive) - 110, 6):
        cases.add("byte of npz", ".npz", made.without(archive, [place]), refused=DAMAGED)
    for place in rng.integers(0, 120, 8):
        wrong = made.without(made.npy(image), [place])
        cases.add("byte of npy header", ".npy", wrong, either=by_numpy)


def no_picture(cases: Cases, rng: np.random.Generator) -> None:
    """Empty files, text, and files of formats that are not read, under a picture's name."""
    for suffix in SUFFIXES.values():
        cases.add("empty", suffix, b"", refused="empty")
        cases.add("text", suffix, b"This is not a picture.\n" * 3, refused=DAMAGED)
    others = {
        "page": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="20" height="12"/>',
        "pdf": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n", "json": json.dumps([[1, 2]]).encode(),
        "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40),
        "avif": b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + bytes(40),
        "jpeg 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40), "psd": b"8BPS\0\1" + bytes(40),
        "lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        "exe": b"MZ" + bytes(60), "gzip": b"\x1f\x8b\x08" + bytes(30), "pam": b"P7\nWIDTH 20\n",
        "pfm": b"PF\n20 12\n-1.0\n" + bytes(20 * 12 * 12), "zeros": bytes(1000),
        "icon": b"\0\0\1\0\1\0" + bytes(60), "raw of a camera": b"FUJIFILMCCD-RAW " + bytes(60),
    }  # fmt: skip
    for kind, data in others.items():
        for suffix in (".jpg", ".png"):
            cases.add(f"no picture {kind}", suffix, data, refused=NO_FORMAT)
    for suffix in SUFFIXES.values():
        cases.add("random bytes", suffix, rng.bytes(500), refused=DAMAGED)
    start = {"jpeg": b"\xff\xd8\xff\xe0", "png": made.PNG_START, "gif": b"GIF89a", "bmp": b"BM",
             "tiff": b"II*\0", "npy": b"\x93NUMPY\1\0", "npz": b"PK\3\4", "ppm": b"P6\n",
             "webp": b"RIFF\xf4\1\0\0WEBP"}  # fmt: skip
    for kind, magic in start.items():
        cases.add("random bytes after the start", SUFFIXES[kind], magic + rng.bytes(500),
                  refused=DAMAGED)  # fmt: skip


def sized_png(width: int, height: int, packed: bytes = b"x", depth: int = 8) -> bytes:
    head = made.chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0))
    return made.PNG_START + head + made.chunk(b"IDAT", packed) + made.chunk(b"IEND")


def claims(cases: Cases, rng: np.random.Generator) -> None:
    """Sizes of no pixels and of far too many."""
    image = noise(rng)
    files = whole(image)
    frame = files["jpeg"].index(b"\xff\xc0") + 5
    for height, width in ((0, 20), (12, 0), (60_000, 60_000)):
        words = "damaged|header|zero|no pixels|neither|flat|cut short|lacks|of size|x 0|0 x"
        words = words if 0 in (height, width) else CLAIMS
        jpeg, bmp, gif = (bytearray(files[kind]) for kind in ("jpeg", "bmp", "gif"))
        struct.pack_into(">HH", jpeg, frame, height, width)
        struct.pack_into("<ii", bmp, 18, width, height)
        struct.pack_into("<HH", gif, 6, width, height)
        at = files["gif"].index(b",\0\0\0\0")
        struct.pack_into("<HH", gif, at + 5, width, height)
        ppm = b"P6\n%d %d\n255\n" % (width, height) + image.tobytes()
        tiff = made.tiff(image, further={256: [width], 257: [height]})
        npy = made.npy(image, shape=(height, width, 3))
        sizes = {
            "jpeg": bytes(jpeg), "bmp": bytes(bmp), "gif": bytes(gif), "ppm": ppm, "tiff": tiff,
            "png": sized_png(width, height), "npy": npy, "npz": made.npz(a=npy),
        }  # fmt: skip
        for kind, data in sizes.items():
            cases.add(f"claim {kind} of {height} x {width}", SUFFIXES[kind], data, refused=words)
    for side in (2**31 - 1, 2**32 - 1):
        cases.add("claim png", ".png", sized_png(side, side), refused=CLAIMS)
        ppm = b"P5\n%d %d\n255\n" % (side, side)
        cases.add("claim ppm", ".ppm", ppm, refused=CLAIMS)
        tiff = made.tiff(image, further={256: [side], 257: [side]})
        cases.add("claim tiff", ".tif", tiff, refused=CLAIMS)
    for shape in ((2**62, 4), (2**40, 2**40, 3), (-12, 20), (12, 20, 10**9)):
        npy = made.npy(image, shape=shape)
        cases.add("claim npy", ".npy", npy, refused=f"{CLAIMS}|neither|shape")
    vp8x = b"VP8X" + struct.pack("<I", 10) + bytes([0, 0, 0, 0]) + b"\xff\xff\xff" * 2
    webp = b"RIFF" + struct.pack("<I", 4 + len(vp8x)) + b"WEBP" + vp8x
    cases.add("claim webp", ".webp", webp, refused=CLAIMS)


def wide_png() -> bytes:
    """282 million pixels of one bit."""
    return sized_png(17_600, 16_000, zlib.compress(bytes(2201 * 16_000), 1), depth=1)


def giant_npz() -> bytes:
    """272 million pixels."""
    head = made.npy(np.empty((0,), np.uint8), shape=(17_000, 16_000))
    return made.npz(a=head + bytes(272_000_000))


def bombs(cases: Cases, rng: np.random.Generator) -> None:
    """Small files that unpack to much, and chains without end."""
    image = noise(rng, 1)
    cases.add("bomb png", ".png", wide_png, refused="max_megapixels")
    cases.add("bomb png pixels", ".png", lambda: made.png(
        image, packed=zlib.compress(made.rows(image, 8) + bytes(50_000_000), 1)
    ), either=known(image))  # fmt: skip
    for kind in (b"iCCP", b"zTXt"):
        cases.add("bomb png chunk", ".png", lambda kind=kind: made.png(
            image, before=made.chunk(kind, b"x\0\0" + zlib.compress(bytes(60_000_000), 1))
        ), either=known(image))  # fmt: skip
    cases.add("bomb npz", ".npz", giant_npz, refused="max_megapixels")
    cases.add("bomb npz rest", ".npz", lambda: made.npz(a=made.npy(image) + bytes(50_000_000)),
              either=known(image))  # fmt: skip
    nested = made.npz(a=made.npz(a=made.npy(image)))
    cases.add("bomb npz in npz", ".npz", nested, refused=f"{DAMAGED}|array")
    cases.add("loop tiff", ".tif", made.tiff(image, loop=True), either=known(image))
    cases.add("loop tiff", ".tif", made.tiff(image, image, loop=True), refused="channels",
              asked=True)  # fmt: skip
    many = b"\x21\xfe" + b"\xffx" * 200_000  # a comment without end
    gif = made.saved(image, "GIF")
    at = gif.index(b",\0\0\0\0")
    cases.add("bomb gif comment", ".gif", gif[:at] + many, refused=DAMAGED)
    ones = made.without(gif, [])[:at] + b"!\xf9\4\0\0\0\0\0" * 50_000 + gif[at:]
    cases.add("bomb gif extensions", ".gif", ones, either=by_pillow)
    chunks = b"".join(made.chunk(b"tEXt", b"a\0b") for _ in range(20_000))
    cases.add("bomb png chunks", ".png", made.png(image, before=chunks), either=known(image))


def pickles(cases: Cases, rng: np.random.Generator) -> None:
    """Arrays of what is no number, some of which would run code when they are unpickled."""
    mark = pickled("pwned")
    objects = "objects|pickle|no picture"
    head = made.npy(np.empty((0,), np.uint8), "|O", (1, 1))
    cases.add("pickle npy", ".npy", head + mark, refused=objects)
    cases.add("pickle npz", ".npz", made.npz(a=head + mark), refused=objects)
    cases.add("pickle plain", ".npy", mark, refused=DAMAGED)
    cases.add("pickle plain", ".npz", mark, refused=DAMAGED)
    cases.add("pickle in fields", ".npy", made.npy(
        np.empty((0,), np.uint8), [("a", "|O")], (1, 1)) + mark, refused=f"{objects}|header|array",
    )  # fmt: skip
    for kind in ("<U3", "|S2", "<M8[D]", "<c8", "|V3"):
        wrong = np.zeros(SIZE, kind)
        cases.add(f"array of {kind[1:2]}", ".npy", made.npy(wrong), refused="no picture|array of")
    cases.add("array of records", ".npy", made.npy(
        np.zeros(SIZE, np.uint8), [("r", "|u1")]), refused="no picture|array of|header",
    )  # fmt: skip
    values = noise(rng, 1)
    for shape in ((), (240,), (1, 12, 20, 1), (2, 12, 20, 3)):
        count = int(np.prod(shape))
        flat = np.resize(values, count)
        cases.add("array of other axes", ".npy", made.npy(flat, shape=shape), refused="neither")
    cases.add("no array", ".npz", made.npz(), refused=f"{DAMAGED}|array")
    two = made.npz(a=made.npy(values), b=made.npy(values))
    cases.add("two arrays", ".npz", two, refused="2 arrays|two arrays")


def no_numbers(cases: Cases, rng: np.random.Generator) -> None:
    """Floats that are no numbers."""
    for value in (np.nan, np.inf, -np.inf):
        for kind in ("<f4", ">f8", "<f2"):
            image = rng.random(SIZE).astype(kind)
            image[tuple(rng.integers(0, SIZE))] = value
            cases.add("nan npy", ".npy", made.npy(image), refused="NaN|finite|no number")
            cases.add("nan npz", ".npz", made.npz(a=made.npy(image)),
                      refused="NaN|finite|no number")  # fmt: skip
        image = rng.random(SIZE).astype(np.float32)
        image[3, 4] = value
        cases.add("nan tiff", ".tif", made.tiff(image), refused="NaN|finite|no number")


KINDS = (
    truncated, closed_again, one_byte, no_picture, claims, bombs, pickles, no_numbers,
)  # fmt: skip
