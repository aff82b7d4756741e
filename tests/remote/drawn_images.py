"""Images of one colour, drawn by hand in each format that models read, and looked at again.

`draw("red", 2, 3, "image/gif")` returns the bytes of a whole file; `look("..." bytes)` says what is
in one: its media type, which colour, how large. What is not whole, or not of one colour, is a
ValueError. JPEG and WebP are read as they are drawn here, PNG and GIF as far as one colour goes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Colour = tuple[int, int, int]
COLOURS: dict[str, Colour] = {
    "black": (0, 0, 0),
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "white": (255, 255, 255),
}
_PNG, _GIF, _JPEG = b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff"
_BLOCK = 8  # pixels of a JPEG's side that are drawn at once
_NEAR = 3  # what a JPEG may be off a colour


@dataclass(frozen=True, slots=True)
class Seen:
    """What an image shows."""

    media_type: str
    colour: str
    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.colour} {self.width}x{self.height}"


def draw(colour: str, width: int, height: int, media_type: str = "image/png") -> bytes:
    """Return an image of one colour, no side of it longer than 8."""
    assert 1 <= width <= _BLOCK
    assert 1 <= height <= _BLOCK
    return _DRAWERS[media_type](COLOURS[colour], width, height)


def look(data: bytes) -> Seen:
    """Say what an image shows. Raise ValueError where that is no image of one colour."""
    for media_type, begins, reader in _READERS:
        if begins(data):
            try:
                colour, width, height = reader(data)
            except (IndexError, struct.error, zlib.error, AssertionError) as error:
                raise ValueError(f"a broken {media_type}: {error}") from None
            return Seen(media_type, _name(colour), width, height)
    raise ValueError("no image")


def _name(colour: Colour) -> str:
    for name, known in COLOURS.items():
        if all(abs(one - other) <= _NEAR for one, other in zip(colour, known, strict=True)):
            return name
    raise ValueError(f"no colour that has a name: {colour}")


# PNG: rows of pixels, each behind the number of its filter, packed.


def _png(colour: Colour, width: int, height: int) -> bytes:
    rows = (b"\x00" + bytes(colour) * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return _PNG + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_PNG)
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        named, (check,) = (
            data[at + 4 : at + 8 + size],
            struct.unpack_from(">I", data, at + 8 + size),
        )
        assert zlib.crc32(named) == check, "a chunk whose sum is wrong"
        yield named[:4], named[4:]
        at += 12 + size


def _read_png(data: bytes) -> tuple[Colour, int, int]:
    chunks = dict(_png_chunks(data))
    width, height, *form = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert form == [8, 2, 0, 0, 0], "not of three bytes a pixel"
    rows = zlib.decompress(chunks[b"IDAT"])
    assert rows == (b"\x00" + rows[1:4] * width) * height, "not of one colour"
    return (rows[1], rows[2], rows[3]), width, height


# GIF: a palette, and each pixel as its first entry; codes of three bits stay so if they begin anew.

_CLEAR, _END = 4, 5


def _gif(colour: Colour, width: int, height: int) -> bytes:
    codes = [code for _ in range(width * height) for code in (_CLEAR, 0)] + [_END]
    value = sum(code << 3 * place for place, code in enumerate(codes))
    packed = value.to_bytes((3 * len(codes) + 7) // 8, "little")
    size = struct.pack("<HH", width, height)
    head = _GIF + size + b"\x80\x00\x00" + bytes(colour) + b"\xff\xff\xff"
    return head + b",\0\0\0\0" + size + b"\0\x02" + bytes([len(packed)]) + packed + b"\0;"


def _read_gif(data: bytes) -> tuple[Colour, int, int]:
    width, height = struct.unpack_from("<HH", data, len(_GIF))
    assert data[-1:] == b";", "cut off"
    return (data[13], data[14], data[15]), width, height


# JPEG: a block for luminance and two for colour, with no more than their means in them.

_MEANS = b"\x00" + bytes([0, 0, 0, 12, *[0] * 12]) + bytes(range(12))  # 12 codes of 4 bits
_REST = b"\x10" + bytes([1, *[0] * 15]) + b"\x00"  # one code of one bit: nothing follows


def _jpeg(colour: Colour, width: int, height: int) -> bytes:
    red, green, blue = colour
    means = (
        0.299 * red + 0.587 * green + 0.114 * blue - 128,
        -0.168736 * red - 0.331264 * green + 0.5 * blue,
        0.5 * red - 0.418688 * green - 0.081312 * blue,
    )
    bits = "".join(_mean_bits(min(127, round(mean))) + "0" for mean in means)
    bits += "1" * (-len(bits) % 8)
    packed = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")
    segments = (
        (b"\xdb", b"\x00" + b"\x08" * 64),
        (b"\xc0", struct.pack(">BHHB", 8, height, width, 3) + b"\1\x11\0\2\x11\0\3\x11\0"),
        (b"\xc4", _MEANS),
        (b"\xc4", _REST),
        (b"\xda", b"\x03\1\0\2\0\3\0\x00\x3f\x00"),
    )
    parts = (b"\xff" + mark + struct.pack(">H", len(data) + 2) + data for mark, data in segments)
    return b"\xff\xd8" + b"".join(parts) + packed + b"\xff\xd9"


def _mean_bits(mean: int) -> str:
    """Write how many bits a number takes, then these."""
    length = abs(mean).bit_length()
    value = mean if mean > 0 else mean + (1 << length) - 1
    return f"{length:04b}" + (f"{value:0{length}b}" if length else "")


def _read_jpeg(data: bytes) -> tuple[Colour, int, int]:
    assert data[-2:] == b"\xff\xd9", "cut off"
    height, width = struct.unpack_from(">HH", data, data.index(b"\xff\xc0") + 5)
    scan = data.index(b"\xff\xda")
    packed = data[scan + 14 : -2].replace(b"\xff\x00", b"\xff")
    bits, means = "".join(f"{byte:08b}" for byte in packed), []
    for _ in range(3):
        length = int(bits[:4], 2)
        value = int(bits[4 : 4 + length] or "0", 2)
        low = length and bits[4] == "0"
        means.append(value - (1 << length) + 1 if low else value)
        bits = bits[5 + length :]
    return _rgb(means[0] + 128, means[1], means[2]), width, height


def _rgb(light: float, blue: float, red: float) -> Colour:
    rgb = (light + 1.402 * red, light - 0.344136 * blue - 0.714136 * red, light + 1.772 * blue)
    one, two, three = (min(255, max(0, round(value))) for value in rgb)
    return one, two, three


# WebP without loss: five alphabets of one letter each, so that the pixels take no bits at all.


def _webp(colour: Colour, width: int, height: int) -> bytes:
    red, green, blue = colour
    fields = [(width - 1, 14), (height - 1, 14), (0, 1), (0, 3), (0, 1), (0, 1), (0, 1)]
    for letter in (green, red, blue, 255):
        fields += [(1, 1), (0, 1), (1, 1), (letter, 8)]
    fields += [(1, 1), (0, 1), (0, 1), (0, 1)]
    value = place = 0
    for field, bits in fields:
        value |= field << place
        place += bits
    packed = b"\x2f" + value.to_bytes((place + 7) // 8, "little")
    chunk = b"VP8L" + struct.pack("<I", len(packed)) + packed + b"\0" * (len(packed) % 2)
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


def _read_webp(data: bytes) -> tuple[Colour, int, int]:
    assert struct.unpack_from("<I", data, 4) == (len(data) - 8,), "cut off"
    value = int.from_bytes(data[21:], "little")
    green, red, blue = (value >> 38 + 11 * place & 0xFF for place in range(3))
    return (red, green, blue), 1 + (value & 0x3FFF), 1 + (value >> 14 & 0x3FFF)


_DRAWERS: dict[str, Callable[[Colour, int, int], bytes]] = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/gif": _gif,
    "image/webp": _webp,
}
_READERS: tuple[
    tuple[str, Callable[[bytes], bool], Callable[[bytes], tuple[Colour, int, int]]], ...
] = (
    ("image/png", lambda data: data.startswith(_PNG), _read_png),
    ("image/jpeg", lambda data: data.startswith(_JPEG), _read_jpeg),
    ("image/gif", lambda data: data.startswith(_GIF), _read_gif),
    ("image/webp", lambda data: data[:4] + data[8:12] == b"RIFFWEBP", _read_webp),
)
