"""Pictures: what was uploaded is made smaller after the response, never on the event loop."""
