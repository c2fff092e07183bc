"""The paper venue as a USDT-margined futures venue: positions instead of holdings, and the words that go with them."""
