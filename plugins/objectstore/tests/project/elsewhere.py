"""A driver whose steps run on "another machine": with another home, another directory, and nothing of this one's.

``python elsewhere.py OTHER``: OTHER is the directory that is the other machine's.
"""

import os
import subprocess
import sys
from pathlib import Path

from attrs import field
from wide import wide

from plugbay import Stack
from plugbay_hookspecs import Secret, component, hookimpl
from plugbay_local.environment import EnvironmentSecretsManager
from plugbay_objectstore.s3 import S3ArtifactStore

HIDDEN = 'for directory in $HIDDEN; do mount -t tmpfs none "$directory"; done; exec "$@"'


@component
class Elsewhere:
    """Run each attempt as a command in a mount namespace in which this machine's directories are empty."""

    other: Path
    _ended: list[int] = field(factory=list, init=False)

    @hookimpl
    def orchestrator_run(self, run):
        for step in run.ready():
            command, environment = step.command(), step.environment()
            seen = {name: os.environ[name] for name in ("PATH", "S3_ACCESS_KEY", "SECRET_S3_KEY")}
            here = f"{Path.cwd()} {os.environ['PLUGBAY_HOME']}"
            own = {"HOME": str(self.other), "PLUGBAY_HOME": str(self.other / "home"), "HIDDEN": here}
            subprocess.run(
                ["unshare", "--mount", "sh", "-c", HIDDEN, "sh", *command],
                env={**seen, **own, **environment},
                cwd=self.other,
                check=True,
            )
            run.complete(step)

    @hookimpl
    def orchestrator_capabilities(self):
        from plugbay_hookspecs.types import Capabilities

        return Capabilities(dynamic_maps=True)


store = S3ArtifactStore(
    bucket=os.environ["S3_BUCKET"],
    prefix=os.environ["S3_PREFIX"],
    endpoint=os.environ["S3_ENDPOINT"],
    access_key_id=Secret(lambda: os.environ["S3_ACCESS_KEY"], "env:S3_ACCESS_KEY"),
    secret_access_key=Secret(lambda: os.environ["SECRET_S3_KEY"], "secret:s3-key"),
)

if __name__ == "__main__":
    stack = Stack(
        orchestrator=Elsewhere(other=Path(sys.argv[1])),
        artifact_store=store,
        secrets_manager={"variables": EnvironmentSecretsManager()},
    )
    print(wide.run(stack=stack).id)
