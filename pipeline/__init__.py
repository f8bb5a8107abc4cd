"""What a phone call is: stages, turns and the call that joins them. Knows no transport."""
