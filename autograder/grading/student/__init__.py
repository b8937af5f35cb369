"""The untrusted side: what runs in the process in which a student's code runs. It knows no answers."""
