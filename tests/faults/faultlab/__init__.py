"""What the fault tests share: a lab to run Plugbay in, the processes they end, and a tally of what was injected."""
