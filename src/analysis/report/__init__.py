"""From notebooks to a report: run them, show them, and keep what a reader needs to check them."""
