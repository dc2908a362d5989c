"""Orders: checked out in one commit with the mail, the notice and the stock's task they lead to."""
