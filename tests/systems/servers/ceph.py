"""Ceph's RadosGW, an S3 server: one monitor, one object daemon that keeps everything in memory, one gateway."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import urllib.request
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from attrs import field, frozen

from plugbay.testing.waiting import stretched
from servers.debian import need
from servers.ports import free_port, free_ports
from servers.service import Service, answers

ACCESS_KEY = "PLUGBAYACCESSKEY"
SECRET_KEY = "plugbay-secret-key-of-a-test"
PACKAGES = ("ceph-mon", "ceph-osd", "ceph-common", "radosgw")

_CONFIGURATION = """
[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{monitor}
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind port min = {ports}
ms bind port max = {last_port}
ms bind ipv6 = false
ms mon client mode = crc
auth cluster required = none
auth service required = none
auth client required = none
mon allow pool size one = true
mon warn on pool no redundancy = false
mon data avail warn = 1
mon data avail crit = 1
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 4G
run dir = {folder}/run
admin socket = {folder}/run/$cluster-$name.asok
pid file = {folder}/run/$name.pid
log file = {folder}/log/$name.log
mon data = {folder}/mon
osd data = {folder}/osd
mgr data = {folder}/mgr
rgw data = {folder}/rgw
rgw frontends = beast endpoint=127.0.0.1:{gateway} tcp_nodelay=1
rgw thread pool size = 64
rgw enable usage log = false
rgw gc obj min wait = 5
rgw gc processor period = 5
"""


@frozen
class Ceph:
    """A running cluster."""

    endpoint: str
    gateway: Service = field(repr=False)
    """The server that clients speak to. It may be killed and started again: the objects live in another process."""


@contextlib.contextmanager
def ceph(folder: Path) -> Iterator[Ceph]:
    """Run a cluster whose files lie in the empty *folder*, with one user who has :data:`ACCESS_KEY`."""
    need(*PACKAGES)
    for name in ("mon", "osd", "rgw", "log", "run", "mgr"):
        (folder / name).mkdir(parents=True)
    fsid, monitor, gateway, ports = str(uuid.uuid4()), free_port(), free_port(), free_ports(12)
    configuration = folder / "ceph.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            fsid=fsid, monitor=monitor, gateway=gateway, folder=folder, ports=ports, last_port=ports + 11
        )
    )
    environment = {"CEPH_CONF": str(configuration)}

    def run(*command: str) -> str:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=stretched(60), env={**os.environ, **environment}
        )
        if done.returncode:
            message = f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
            raise RuntimeError(message)
        return done.stdout

    def succeeds(*command: str) -> bool:
        try:
            run(*command)
        except (RuntimeError, subprocess.TimeoutExpired):
            return False
        return True

    def daemon(*command: str, ready: tuple[str, ...]) -> Service:
        log = folder / "log" / f"{command[0]}.out"
        return Service(command, log=log, ready=lambda: succeeds(*ready), environment=environment)

    map_file = str(folder / "monmap")
    run("monmaptool", "--create", "--addv", "a", f"[v2:127.0.0.1:{monitor}]", "--fsid", fsid, map_file)
    run("ceph-mon", "--mkfs", "-i", "a", "--monmap", map_file)
    with contextlib.ExitStack() as running:
        running.enter_context(
            daemon("ceph-mon", "-f", "-i", "a", ready=("ceph", "--connect-timeout", "3", "osd", "stat"))
        )
        disk = str(uuid.uuid4())
        run("ceph", "osd", "new", disk)
        run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", disk)
        run("ceph", "osd", "crush", "add", "osd.0", "1.0", "root=default", "host=machine")
        objects = Service(
            ["ceph-osd", "-f", "-i", "0"],
            log=folder / "log" / "ceph-osd.out",
            ready=lambda: json.loads(run("ceph", "osd", "stat", "-f", "json"))["num_up_osds"] == 1,
            environment=environment,
        )
        running.enter_context(objects)
        endpoint = f"http://127.0.0.1:{gateway}"
        server = Service(
            ["radosgw", "-f", "--name", "client.rgw"],
            log=folder / "log" / "radosgw.out",
            ready=lambda: answers(endpoint),
            environment=environment,
        )
        running.enter_context(server)
        keys = ("--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY)
        run("radosgw-admin", "user", "create", "--uid", "test", "--display-name", "test", "--max-buckets", "0", *keys)
        yield Ceph(endpoint, server)


def create_bucket(endpoint: str, name: str) -> None:
    """Create a bucket, which the client library cannot, with an address that it signs."""
    import obstore
    from obstore.store import S3Store

    store = S3Store(
        name,
        endpoint=endpoint,
        access_key_id=ACCESS_KEY,
        secret_access_key=SECRET_KEY,
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )
    address = obstore.sign(store, "PUT", "", timedelta(minutes=1))
    request = urllib.request.Request(address, method="PUT", data=b"")
    urllib.request.urlopen(request, timeout=stretched(30)).close()
