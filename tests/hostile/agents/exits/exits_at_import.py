# Tries: to leave before it plays. Must come out: exited.
raise SystemExit({"status": "DONE"})
