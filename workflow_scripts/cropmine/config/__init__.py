"""What a user may write: the models of the configuration, its validation and its messages."""
