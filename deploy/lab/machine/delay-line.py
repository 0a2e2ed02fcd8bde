#!/usr/bin/env python3
"""delay-line.py BRIDGE BACK BACK_PEER DELAY_MS FROM TO

Carries IPv4 packets from FROM to TO (`any` = whatever) over a bridge of this network namespace with
a delay. It sees each packet as it enters the bridge; the bridge itself drops it there (see
delay-lines.ts). When its time has come it goes back to the bridge through BACK, whose other end
BACK_PEER is a port of it. Headers of segmentation and of checksums that are still to be computed
travel along. Packets keep their order.
"""

import collections
import ctypes
import select
import socket
import struct
import sys
import time

ETH_P_ALL, ETH_P_IP = 0x0003, 0x0800
SOL_PACKET, PACKET_VNET_HDR, SO_ATTACH_FILTER = 263, 15, 26
PACKET_OUTGOING = 4
LARGEST = 70_000


def address_filter(source, target):
    """Classic packet filter: IPv4 from `source` to `target`, each None for any."""
    tests = [(0x28, 12, ETH_P_IP)]  # half word: type of the frame
    for offset, address in ((26, source), (30, target)):
        if address is not None:
            tests.append((0x20, offset, struct.unpack("!I", socket.inet_aton(address))[0]))
    steps = []
    for index, (load, offset, value) in enumerate(tests):
        steps.append((load, 0, 0, offset))
        # Equal: the next test. Else: over all that is left to the last step, which refuses.
        steps.append((0x15, 0, 2 * (len(tests) - index - 1) + 1, value))
    steps += [(0x06, 0, 0, LARGEST), (0x06, 0, 0, 0)]
    return b"".join(struct.pack("HBBI", *step) for step in steps), len(steps)


def packet_socket(kind):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(kind))
    sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    return sock


def drain(sock):
    try:
        while True:
            sock.recv(1)
    except BlockingIOError:
        return


def main():
    bridge, back, back_peer, delay_ms, source, target = sys.argv[1:]
    ends = [None if end == "any" else end for end in (source, target)]
    taken, given = packet_socket(ETH_P_ALL), packet_socket(0)
    program, length = address_filter(*ends)
    memory = ctypes.create_string_buffer(program)
    taken.setsockopt(
        socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", length, ctypes.addressof(memory))
    )
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    taken.setblocking(False)
    drain(taken)  # what came before there was a filter
    given.bind((back, 0))
    delay = float(delay_ms) / 1000
    waiting = collections.deque()
    print("carries", flush=True)
    while True:
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            try:
                given.send(waiting.popleft()[1])
            except OSError as error:
                print("lost one:", error, flush=True)
        wait = waiting[0][0] - now if waiting else None
        if not select.select([taken], [], [], wait)[0]:
            continue
        try:
            frame, (name, _, kind, _, _) = taken.recvfrom(LARGEST)
        except BlockingIOError:
            continue
        # What comes in at a port, and what the namespace itself sends over its bridge.
        if name in (back, back_peer) or (name == bridge) != (kind == PACKET_OUTGOING):
            continue
        waiting.append((time.monotonic() + delay, frame))


main()
