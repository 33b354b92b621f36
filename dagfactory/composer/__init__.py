"""The environment as code: what specs need of Composer and Airflow, rendered, applied, compared.

`formats/` has one file per form of the environment, `checks/` one per question of `doctor`; both are found by
listing. May import the compiler and below.
"""
