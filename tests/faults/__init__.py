"""Trials with faults on the wire: a proxy cuts, stalls or corrupts a connection at a moment chosen by a seed.

``python -m tests.faults --trials 200 --seed 1`` runs them by hand, ``--replay SEED:INDEX`` runs one of them again, and
``test_trials.py`` is the part of them that the gate runs. What may come of a trial is in ``verdict.py``.
"""
