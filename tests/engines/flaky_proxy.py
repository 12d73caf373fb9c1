#!/usr/bin/python3
"""A TCP proxy with bad luck: flaky_proxy.py PORT [SEED] listens on a free port of loopback, which it prints, and passes
on to PORT. Each direction of a connection is, after a random number of bytes, cut with a reset, or has one bit changed,
or nothing happens. On SIGTERM it prints how often as JSON. The first bytes stay: a changed handshake says nothing."""
import asyncio, json, random, signal, socket, struct, sys

HANDSHAKE, FAR = 8192, 6 << 20
chance = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
counts = {"connections": 0, "cut": 0, "changed": 0}


def reset(writer):
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def pump(reader, writer, other):
    what, at, seen = chance.choice(["cut", "changed", "none"]), chance.randrange(HANDSHAKE, FAR), 0
    try:
        while data := await reader.read(65536):
            if what != "none" and seen <= at < seen + len(data):
                counts[what] += 1
                if what == "cut":
                    writer.write(data[:at - seen])
                    await writer.drain()
                    reset(writer)
                    reset(other)
                    return
                data = bytearray(data)
                data[at - seen] ^= 1 << chance.randrange(8)
            seen += len(data)
            writer.write(bytes(data))
            await writer.drain()
    except OSError:
        pass
    writer.close()


async def serve(reader, writer):
    counts["connections"] += 1
    try:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[1]))
    except OSError:
        return reset(writer)
    await asyncio.gather(pump(reader, far_writer, writer), pump(far_reader, writer, far_writer))


async def main():
    done = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, done.set)
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await done.wait()
    print(json.dumps(counts), flush=True)


asyncio.run(main())
