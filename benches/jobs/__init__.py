"""The benches, each with its bar. `ALL` is the table that `benches/run` works through."""

from . import (
    bulk, bulk_tcp, dns, http, mail, memory, openloop, requests, soak, startup, throughput, truth, udp_one_way,
)
from .job import Job, Options

__all__ = ["ALL", "Job", "Options"]

ALL: dict[str, Job] = {
    job.name: job
    for job in [
        *throughput.JOBS,
        *requests.JOBS,
        *dns.JOBS,
        *memory.JOBS,
        *bulk.JOBS,
        *bulk_tcp.JOBS,
        *udp_one_way.JOBS,
        *startup.JOBS,
        *openloop.JOBS,
        *truth.JOBS,
        *http.JOBS,
        *mail.JOBS,
        *soak.JOBS,
    ]
}
