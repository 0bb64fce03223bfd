"""aiosmtpd_sink.py: aiosmtpd that throws messages away, with PIPELINING offered. The yardstick for `serve-tcp -P smtp`."""

import asyncio
import sys

from aiosmtpd.smtp import SMTP


class Sink:
    async def handle_EHLO(self, server, session, envelope, hostname, responses):  # noqa: N802
        session.host_name = hostname
        return [responses[0], "250-PIPELINING", *responses[1:]]

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        return "250 OK"


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Sink()), "127.0.0.1", 0, backlog=4096)
    print(f"listening on tcp 127.0.0.1:{server.sockets[0].getsockname()[1]}", file=sys.stderr, flush=True)
    await server.serve_forever()


asyncio.run(main())
