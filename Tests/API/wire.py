"""Protobuf's wire format by hand, https://protobuf.dev/programming-guides/encoding."""


def varint(value):
    """A number as base-128 varint; a negative one as its 64-bit two's complement."""
    value &= 2**64 - 1
    encoded = b""
    while value >= 0x80:
        encoded += bytes([value & 0x7F | 0x80])
        value >>= 7
    return encoded + bytes([value])


def varint_field(number, value):
    return varint(number << 3) + varint(value)


def bytes_field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def read(message):
    """The fields of a message as they come: (number, value); only varints and bytes are known here."""
    found, position = [], 0

    def number():
        nonlocal position
        value = shift = 0
        while True:
            byte = message[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    while position < len(message):
        tag = number()
        if tag & 7 == 0:
            found.append((tag >> 3, number()))
        elif tag & 7 == 2:
            length = number()
            found.append((tag >> 3, message[position:position + length]))
            position += length
        else:
            raise ValueError(f"wire type {tag & 7}")
    return found
