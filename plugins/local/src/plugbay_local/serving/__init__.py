"""Models kept as server processes of this machine, which outlive whoever deploys them: for flavors of model deployers.

A flavor is a subclass of :class:`~plugbay_local.serving.deployer.ServerDeployer`, which has all hooks but the prediction::

    @component
    class AcmeModelDeployer(ServerDeployer):
        kept_in = "acme-deployments"
        server = "plugbay_acme.server"
        health = "/healthz"
        predictions = "/score"

        @hookimpl
        def model_deployer_predict(self, id: str, inputs: Any) -> Any:
            code, answer = self.ask(id, self.predictions, json.dumps(inputs).encode())
            ...

The module ``server`` is run for each model. It says how one is loaded and how a server of the tool's begins and ends, in one
call of :func:`~plugbay_local.serving.turns.take_turn`::

    def load(given: Mapping[str, Any]) -> acme.Model: ...
    def answer(turn: Turn, model: acme.Model) -> None: ...

    if __name__ == "__main__":
        take_turn(load, answer)

A server takes the listening socket over from the one before, so that no request is refused while a model is replaced.
``served`` starts servers and tells how they are, and ``generations`` is what lies in the directory of a deployment.
"""
