"""What executes on Composer: operators, alerts and pure helpers, copied into every bundle.

It may import the standard library, Airflow's compatibility layer and, inside functions, the Google
provider; nothing of dagfactory. Modules that DAG files name (`job`, `sweep`, `pack`, `tune`, `gate`,
`checkpoint`, `registry`, `endpoint`, `lazy`, `call`, `items`, `alert`, `assets`) keep their names.
"""
