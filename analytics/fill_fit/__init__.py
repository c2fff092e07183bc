"""The fill model's parameters, estimated from live orders and the market that was recorded around them."""
