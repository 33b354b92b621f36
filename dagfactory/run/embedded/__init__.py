"""What Airflow 3 itself loads in `dagfactory run`: where a laptop's SQLite and executor need help.

The exception of "starts in a blink": it imports Airflow, and of dagfactory `emulator.browsers` and
`run.links` alone. So nothing of dagfactory imports it; `run` names its modules to Airflow. Each one closes
a gap of Airflow 3.3.1 and says which, so that it can go when the gap does.
"""
