"""Networks and forests: training them and predicting with them."""
