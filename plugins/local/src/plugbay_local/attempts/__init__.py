"""What was logged in attempts of steps, as JSON lines: ``writing`` keeps it and ``reading`` gives it back.

An attempt has the prefix ``RUN/STEP.ATTEMPT/``, with an object ``log.jsonl`` and its artifacts behind ``artifacts/``. While
it goes on, its lines are in the objects ``segments/00000001.jsonl`` and so on.
"""
