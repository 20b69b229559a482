"""A file of TensorBoard's events taken apart, written from the format: no code of ours."""

import struct


def crc32c(data):
    """The remainder by the polynomial 1EDC6F41, bit by bit, bits of a byte from the lowest."""
    rest = 0xFFFFFFFF
    for byte in data:
        for bit in range(8):
            top = (rest & 1) ^ (byte >> bit & 1)
            rest = (rest >> 1) ^ (0x82F63B78 * top)
    return rest ^ 0xFFFFFFFF


def masked(data):
    value = crc32c(data)
    return ((value >> 15) + (value << 17) + 0xA282EAD8) % 2**32


def fields(data):
    """Every field of a protocol buffer: number, and its value as it is kept."""
    place = 0

    def varint():
        nonlocal place
        value = shift = 0
        while True:
            byte = data[place]
            place += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while place < len(data):
        key = varint()
        kind, size = key & 7, {1: 8, 5: 4}.get(key & 7)
        if kind == 0:
            yield key >> 3, varint()
            continue
        size = varint() if kind == 2 else size
        yield key >> 3, data[place : place + size]
        place += size


def events(path):
    """Every event of a file: its step and its numbers by tag; checksums are checked."""
    data, found = path.read_bytes(), []
    while data:
        length = struct.unpack("<Q", data[:8])[0]
        assert struct.unpack("<I", data[8:12])[0] == masked(data[:8])
        event = data[12 : 12 + length]
        assert struct.unpack("<I", data[12 + length : 16 + length])[0] == masked(event)
        data = data[16 + length :]
        known = dict(fields(event))
        values = {}
        for number, one in fields(known.get(5, b"")):
            assert number == 1
            own = dict(fields(one))
            values[own[1].decode()] = struct.unpack("<f", own[2])[0]
        found.append((known.get(2, 0), known.get(3, b"").decode(), values))
    return found
