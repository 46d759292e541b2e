"""Examples to read, to run and to take from: a notebook over a fleet, and a web app for check-outs."""
