"""Collects garbage in a loop, with hardly any grace, until its standard input ends."""

import select
import sys

from plugbay import Stack
from plugbay.history.garbage import collect

rounds = removed = 0
while not select.select([sys.stdin], [], [], 0.01)[0]:
    removed += collect(Stack.load("inline"), grace=float(sys.argv[1])).blobs
    rounds += 1
print(rounds, removed)
