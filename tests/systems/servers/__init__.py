"""Real servers and engines for tests: installed where the machine lets them be, started on 127.0.0.1, stopped by process id."""
