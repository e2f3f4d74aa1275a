"""Scenario files, plans, networks and tables: data only, one YAML file per question asked."""
