"""From logs to numbers: the answers table and the estimates over it.

Nothing is loaded here: half of these files need pandas and scipy, which those who run a suite do not wait for.
"""
