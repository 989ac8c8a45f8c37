"""What people read: the report, its figures and its words."""
