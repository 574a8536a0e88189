"""The servers tests talk to: real ones, started on loopback, stopped by their process id, leaving nothing behind."""
