"""Tasks of the language become operator calls of a target.

May import `validate`, `bundle`, `plan` and `resolve`.
"""
