"""What runs on Composer: operators and helpers that need only Airflow and its Google provider."""
