"""Models as logs of changes: ``history`` says what the changes come to, ``log`` keeps them, ``files`` keeps the models
and ``sweeping`` removes those that killed processes left.

A change is a JSON document with the next number, created only where there is none. So of several processes one goes
first and the others decide again by what it did; nobody waits for a lock, and nothing that ever was is lost.
"""
