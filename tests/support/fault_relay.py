"""A bad network: packets go from one tun device to another and back, and faults happen to them on the way.

    fault_relay.py NEAR FAR random LOSS DUPLICATE REORDER CORRUPT JITTER_MS SEED
    fault_relay.py NEAR FAR counted PORT

`random` treats every packet of both directions, by chance (percent). `counted` treats datagrams from PORT that come from
FAR, by their number: which are lost, doubled, changed or overtaken is known. Says `ready` on stderr when both devices are
there, and at the end of its input what it did, as JSON on stdout.
"""
import fcntl, heapq, json, os, random, select, struct, sys, time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
HELD_MS = 4  # an overtaken packet waits this long, while the others go on


def device(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


class Chance:
    """Each fault by its probability. What TCP makes of it is TCP's affair; its checksum is left to be wrong."""

    def __init__(self, loss, duplicate, reorder, corrupt, jitter, seed):
        self.loss, self.duplicate, self.reorder, self.corrupt, self.jitter = map(float, (loss, duplicate, reorder, corrupt, jitter))
        self.random = random.Random(int(seed))
        self.count = dict.fromkeys(("packets", "lost", "duplicated", "reordered", "corrupted"), 0)

    def happens(self, percent, name):
        happens = self.random.random() * 100 < percent
        self.count[name] += happens
        return happens

    def __call__(self, packet, from_far):
        """The packets to pass on, each with a delay in ms."""
        self.count["packets"] += 1
        if self.happens(self.loss, "lost"):
            return []
        delay = self.random.random() * self.jitter
        if self.happens(self.reorder, "reordered"):
            delay += HELD_MS
        if self.happens(self.corrupt, "corrupted"):
            packet = bytearray(packet)
            packet[self.random.randrange(20, len(packet))] ^= 1 << self.random.randrange(8)
        copies = 2 if self.happens(self.duplicate, "duplicated") else 1
        return [(delay, packet)] * copies


class Counted:
    """Of every 20 answers: the 4th is lost, the 8th doubled, the 12th changed, the 16th overtaken by the 17th."""

    def __init__(self, port):
        self.port, self.held, self.number = int(port), None, 0
        self.count = dict.fromkeys(("answers", "lost", "duplicated", "corrupted", "reordered"), 0)

    def __call__(self, packet, from_far):
        udp = packet[0] >> 4 == 4 and packet[9] == 17
        if not (from_far and udp and struct.unpack("!H", packet[20:22])[0] == self.port):
            return [(0, packet)]
        self.number += 1
        self.count["answers"] += 1
        place = self.number % 20
        if self.held:
            packets, self.held = [packet, self.held], None
            return [(0, each) for each in packets]
        if place == 4:
            self.count["lost"] += 1
            return []
        if place == 8:
            self.count["duplicated"] += 1
            return [(0, packet), (0, packet)]
        if place == 12:
            self.count["corrupted"] += 1
            changed = bytearray(packet)
            changed[-1] ^= 0x20
            changed[26:28] = b"\0\0"  # no checksum (RFC 768), or the kernel would drop it
            return [(0, changed)]
        if place == 16:
            self.count["reordered"] += 1
            self.held = packet
            return []
        return [(0, packet)]


def write(fd, packet):
    try:
        os.write(fd, packet)
    except OSError:
        pass  # what a full or unhappy network does: it drops


def run(near, far, faults):
    other = {near: far, far: near}
    waiting, order = [], 0
    while True:
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, fd, packet = heapq.heappop(waiting)
            write(fd, packet)
        left = max(0, waiting[0][0] - now) if waiting else None
        ready, _, _ = select.select([near, far, 0], [], [], left)
        if 0 in ready and not os.read(0, 1):
            return
        for fd in ready:
            for _ in range(64 if fd else 0):
                try:
                    packet = os.read(fd, 65536)
                except BlockingIOError:
                    break
                for delay, each in faults(packet, fd == far):
                    if delay:
                        order += 1
                        heapq.heappush(waiting, (time.monotonic() + delay / 1000, order, other[fd], each))
                    else:
                        write(other[fd], each)


near, far = device(sys.argv[1]), device(sys.argv[2])
faults = {"random": Chance, "counted": Counted}[sys.argv[3]](*sys.argv[4:])
print("ready", file=sys.stderr, flush=True)
run(near, far, faults)
print(json.dumps(faults.count))
