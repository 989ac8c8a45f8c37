"""How good labels, models and maps are."""
