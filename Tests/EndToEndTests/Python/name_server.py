"""A name server on this machine's loopback, for tests: `serve` answers every question with one address
and prints the name that was asked for, `ask NAME` prints the length of its answer to a question."""

import socket
import struct
import sys

PLACE = ("127.0.0.1", 53)
ADDRESS = bytes([203, 0, 113, 7])


def question(name: str) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", 1, 1)


def end_of_name(message: bytes) -> tuple[str, int]:
    labels, place = [], 12
    while message[place]:
        labels.append(message[place + 1 : place + 1 + message[place]].decode())
        place += 1 + message[place]
    return ".".join(labels), place + 1


def answer(message: bytes) -> bytes:
    _, end = end_of_name(message)
    head = message[:2] + struct.pack("!5H", 0x8180, 1, 1, 0, 0)
    record = struct.pack("!3HIH", 0xC00C, 1, 1, 1, len(ADDRESS)) + ADDRESS
    return head + message[12 : end + 4] + record


def main() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        if sys.argv[1] == "ask":
            end.settimeout(10)
            end.sendto(question(sys.argv[2]), PLACE)
            print(len(end.recv(512)))
            return
        end.bind(PLACE)
        while True:
            message, peer = end.recvfrom(512)
            print(end_of_name(message)[0], flush=True)
            end.sendto(answer(message), peer)


main()
