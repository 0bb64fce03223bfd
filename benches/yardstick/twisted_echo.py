"""twisted_echo.py [PORT]: Twisted's echo server, as its documentation writes it.

The first line on stderr is `listening on tcp 127.0.0.1:PORT`.
"""

import sys

from twisted.internet import protocol, reactor


class Echo(protocol.Protocol):
    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)


class EchoFactory(protocol.Factory):
    noisy = False
    protocol = Echo


def main() -> None:
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    port = reactor.listenTCP(asked, EchoFactory(), backlog=4096, interface="127.0.0.1")
    print(f"listening on tcp 127.0.0.1:{port.getHost().port}", file=sys.stderr, flush=True)
    reactor.run()


if __name__ == "__main__":
    main()
