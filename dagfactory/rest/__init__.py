"""Services asked by REST from a shell: Google Cloud with the credentials of this machine, and an Airflow.

May import: `diagnostics` and `runtime`. Google's libraries are imported when the first question is sent.
"""
