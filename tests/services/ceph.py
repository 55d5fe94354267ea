"""A cluster of Ceph that is as small as it can be: one monitor, manager, disk and gateway, on loopback.

All it keeps lies in one folder. The programs are Debian's: radosgw, ceph-mon, ceph-mgr, ceph-osd
(``make radosgw`` installs them). It starts in about 20 seconds and needs about 500 MB of memory.
"""

import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.servers import Server, await_port, free_port

KEYS = {"AWS_ACCESS_KEY_ID": "vaultkey", "AWS_SECRET_ACCESS_KEY": "vaultsecret"}
CLASSES = "rados-classes"  # Ceph looks for this folder at a relative path, where Debian has none
ALL = ["mon", "allow *", "osd", "allow *", "mgr", "allow *"]
STEP_SECONDS = 60
SETTINGS = """\
[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{port}/0
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
mon allow pool size one = true
mon warn on pool no redundancy = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd objectstore = bluestore
bluestore block size = 4294967296
osd class dir = {classes}
osd class load list = *
osd class default list = *
mgr initial modules =
public addr = 127.0.0.1
cluster addr = 127.0.0.1
run dir = {root}
admin socket = {root}/$name.asok
log file = {root}/$name.log
crash dir = {root}
mon data = {root}/mon
mgr data = {root}/mgr
osd data = {root}/osd
keyring = {root}/$type.$id.keyring
"""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster in a folder, and the steps to bring it up."""

    root: Path
    children: "list[subprocess.Popen[bytes]]"

    def done(self, program: str, *given: str) -> str:
        """Run a program of Ceph to its end; what it prints."""
        told = subprocess.run(
            [program, "-c", str(self.root / "ceph.conf"), *given],
            capture_output=True,
            text=True,
            timeout=STEP_SECONDS,
            check=False,
        )
        assert told.returncode == 0, f"{program} {given}: {told.stderr}"
        return told.stdout

    def begun(self, program: str, *given: str) -> "subprocess.Popen[bytes]":
        """Let a program of Ceph run beside this one."""
        command = [program, "-f", "-c", str(self.root / "ceph.conf"), *given]
        quiet = subprocess.DEVNULL
        self.children.append(subprocess.Popen(command, stdout=quiet, stderr=quiet))
        return self.children[-1]

    def keyring(self, name: str, *rights: str) -> None:
        """The key of one of its programs."""
        file = self.root / f"{name}.keyring"
        self.done("ceph", "auth", "get-or-create", name, *rights, "-o", str(file))

    def stop(self) -> None:
        """End its programs, the newest first."""
        for child in reversed(self.children):
            child.kill()
            child.wait()


def monitor(cluster: Cluster) -> None:
    """The first program: it knows the others."""
    root, fsid, port = cluster.root, str(uuid.uuid4()), free_port()
    found = next(iter(Path("/usr/lib").glob(f"*/{CLASSES}")), None)
    assert found is not None, "Ceph is not installed: make radosgw does it"
    text = SETTINGS.format(fsid=fsid, port=port, classes=found, root=root)
    (root / "ceph.conf").write_text(text)
    for folder in ("mon", "mgr", "osd"):
        (root / folder).mkdir()
    first, admin, chart = (
        str(root / name) for name in ("mon.a.keyring", "client.admin.keyring", "map")
    )
    cluster.done("ceph-authtool", "-C", admin, "--gen-key", "-n", "client.admin", *caps())
    cluster.done("ceph-authtool", "-C", first, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
    cluster.done("ceph-authtool", first, "--import-keyring", admin)
    where = f"[v2:127.0.0.1:{port}/0]"
    cluster.done("monmaptool", "--create", "--addv", "a", where, "--fsid", fsid, chart)
    cluster.done("ceph-mon", "--mkfs", "-i", "a", "--monmap", chart, "--keyring", first)
    await_port(cluster.begun("ceph-mon", "-i", "a"), port)


def caps() -> list[str]:
    """The rights of the one who may do everything, as options."""
    pairs = zip(ALL[::2], ALL[1::2], strict=True)
    return [word for who, what in pairs for word in ("--cap", who, what)]


def disk(cluster: Cluster) -> None:
    """A manager, and a disk in a file."""
    cluster.keyring("mgr.x", "mon", "allow profile mgr", "osd", "allow *")
    cluster.begun("ceph-mgr", "-i", "x")
    own = str(uuid.uuid4())
    assert cluster.done("ceph", "osd", "new", own).strip() == "0"
    cluster.keyring("osd.0", "mon", "allow profile osd", "mgr", "allow profile osd", *ALL[2:4])
    cluster.done("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", own)
    cluster.begun("ceph-osd", "-i", "0")
    for _ in range(STEP_SECONDS * 4):
        if "1 up" in cluster.done("ceph", "osd", "stat"):
            return
        time.sleep(0.25)
    raise AssertionError("the disk of Ceph does not come up")


def gateway(cluster: Cluster) -> str:
    """The program that speaks S3, and a user of it; where it answers."""
    port = free_port()
    cluster.keyring("client.rgw", "mon", "allow rw", "osd", "allow rwx", "mgr", "allow rw")
    front = f"beast endpoint=127.0.0.1:{port}"
    await_port(cluster.begun("radosgw", "-n", "client.rgw", "--rgw-frontends", front), port)
    add_user(cluster, "vault", KEYS)
    return f"http://127.0.0.1:{port}"


def add_user(cluster: Cluster, name: str, keys: Mapping[str, str]) -> None:
    """Somebody with credentials of his own."""
    key, secret = keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"]
    own = ["--access-key", key, "--secret-key", secret]
    cluster.done("radosgw-admin", "user", "create", "--uid", name, "--display-name", name, *own)


@contextmanager
def radosgw() -> Iterator[tuple[Server, Cluster]]:
    """Ceph's gateway of S3, and the cluster behind it."""
    with ExitStack() as end:
        root = Path(tempfile.mkdtemp(prefix="ceph-"))  # paths of sockets must be short
        end.callback(shutil.rmtree, root, ignore_errors=True)
        cluster = Cluster(root, [])
        end.callback(cluster.stop)
        monitor(cluster)
        disk(cluster)
        yield Server("s3", gateway(cluster), KEYS), cluster
