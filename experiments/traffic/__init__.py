"""Traffic alone: trips through a network, without people or harm."""
