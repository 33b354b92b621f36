"""What a task type may use: its context, jobs, alerts, assets, for_each.

May import the language and what lies below.
"""
