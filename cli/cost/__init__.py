"""`cost`: the price of an environment by the hour, the day and for the event."""
