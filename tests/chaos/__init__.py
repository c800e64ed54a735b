"""
Chaos: a seeded schedule of faults over a real installation under load.

``make chaos`` runs it long, the test suite short. What it asserts stands in
``verdict``, what it breaks in ``faults``; everything random comes from one seed.
"""
