"""The benchmarks: what Plugbay costs, each figure beside a floor that is measured in the same run.

``measuring`` takes samples, ``fresh`` is a process that takes one, ``floors`` does by hand what Plugbay is compared with,
``case`` repeats a case and its floor in turns, ``cases`` has them all, ``machine`` says where the figures come from,
``report`` writes them down and ``command`` is the command line.
"""
