"""Read what an MLflow server has, through its REST API and nothing of the plugin's."""

from __future__ import annotations

import base64
import json
import urllib.parse
import urllib.request
from typing import Any

from plugbay.testing.experiment_tracker import Tracked
from plugbay.testing.waiting import stretched


class Reader:
    """Asks one server."""

    def __init__(self, uri: str, user: str | None = None) -> None:
        self.uri, self.user = uri, user

    def raw(self, path: str) -> bytes:
        return self._sent(urllib.request.Request(f"{self.uri}{path}"))

    def get(self, route: str, /, **query: Any) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.raw(f"/api/2.0/mlflow/{route}?{urllib.parse.urlencode(query)}"))
        return found

    def post(self, route: str, /, **body: Any) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self.uri}/api/2.0/mlflow/{route}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        found: dict[str, Any] = json.loads(self._sent(request))
        return found

    def _sent(self, request: urllib.request.Request) -> bytes:
        if self.user is not None:
            request.add_header("Authorization", f"Basic {base64.b64encode(self.user.encode()).decode()}")
        with urllib.request.urlopen(request, timeout=stretched(60)) as answer:
            content: bytes = answer.read()
            return content

    def runs(self, filter: str = "") -> list[dict[str, Any]]:
        """Runs of all experiments, as MLflow tells them, the oldest first."""
        experiments = self.post("experiments/search", max_results=1000).get("experiments", [])
        ids = [each["experiment_id"] for each in experiments]
        order = ["attributes.start_time ASC"]
        found = self.post("runs/search", experiment_ids=ids, filter=filter, max_results=1000, order_by=order)
        runs: list[dict[str, Any]] = found.get("runs", [])
        return runs

    def of(self, run_id: str) -> list[dict[str, Any]]:
        """What stands for a run of Plugbay and its attempts."""
        return self.runs(f"tags.plugbay.run_id = '{run_id}'")

    def series(self, run: dict[str, Any], name: str) -> list[tuple[float, int]]:
        history = self.get("metrics/get-history", run_id=run["info"]["run_id"], metric_key=name).get("metrics", [])
        points = sorted(history, key=lambda point: int(point["timestamp"]))
        return [(float(point["value"]), int(point.get("step", 0))) for point in points]

    def files(self, run: dict[str, Any], under: str = "") -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        query = {"run_id": run["info"]["run_id"], **({"path": under} if under else {})}
        for each in self.get("artifacts/list", **query).get("files", []):
            if each.get("is_dir"):
                found |= self.files(run, each["path"])
            else:
                query = urllib.parse.urlencode({"run_id": run["info"]["run_id"], "path": each["path"]})
                found[each["path"]] = self.raw(f"/get-artifact?{query}")
        return found

    def tracked(self, step: Any) -> Tracked:
        (run,) = [
            run
            for run in self.of(step.run_id)
            if (tags(run).get("plugbay.step"), tags(run).get("plugbay.attempt")) == (step.step, str(step.attempt))
        ]
        data = run["data"]
        names = [metric["key"] for metric in data.get("metrics", [])]
        return Tracked(
            params={param["key"]: param.get("value", "") for param in data.get("params", [])},
            metrics={name: self.series(run, name) for name in names},
            tags=tags(run),
            artifacts=self.files(run),
            failed={"RUNNING": None, "FINISHED": False}.get(run["info"]["status"], True),
        )


def tags(run: dict[str, Any]) -> dict[str, str]:
    """The tags of a run."""
    return {tag["key"]: tag.get("value", "") for tag in run.get("data", {}).get("tags", [])}


def status(run: dict[str, Any]) -> str:
    """How a run is doing."""
    return str(run["info"]["status"])
