"""Charts of the report and of the tables that it shows."""
