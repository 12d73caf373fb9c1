#!/usr/bin/env python3
"""rot_groups.py VAULT EVERY: changes a byte in each EVERYth group of each pack of a vault in a folder (1: in all of them,
0: in none), and in its last recovery point. Where groups are stands in the packs' directories: proto/FORMAT.md."""
import glob
import os
import struct
import sys


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 0x80:
            return value, at


def group_middles(data):
    length = struct.unpack_from("<I", data, len(data) - 60)[0]
    count = struct.unpack_from("<I", data, len(data) - 56)[0]
    at, offset = len(data) - 60 - length, 64
    for _ in range(count):
        sealed, at = varint(data, at)
        chunks, at = varint(data, at)
        for _ in range(chunks):
            at = varint(data, at)[1] + 16
        yield offset + sealed // 2
        offset += sealed


def rot(path, places):
    os.chmod(path, 0o644)
    with open(path, "r+b") as file:
        for place in places:
            file.seek(place)
            byte = file.read(1)[0]
            file.seek(place)
            file.write(bytes([(byte + 1) % 256]))


def files(folder):
    return sorted(p for p in glob.glob(f"{folder}/**/*", recursive=True) if os.path.isfile(p))


def main():
    vault, every = sys.argv[1], int(sys.argv[2])
    groups = rotten = 0
    for path in files(f"{vault}/packs"):
        with open(path, "rb") as file:
            data = file.read()
        places = []
        for place in group_middles(data):
            groups += 1
            if every > 0 and groups % every == 0:
                places.append(place)
        rotten += len(places)
        rot(path, places)
    point = files(f"{vault}/points")[-1]
    rot(point, [os.path.getsize(point) // 2])
    print(f"{rotten} of {groups} groups and one recovery point are rotten")


main()
