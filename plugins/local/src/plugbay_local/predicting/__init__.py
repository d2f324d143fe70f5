"""What the model deployer ``http`` serves: ``loading`` makes a function of a model, ``server`` is the process that answers."""
