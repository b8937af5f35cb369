"""The untrusted side: what runs in, or prepares, the process in which a student's code runs. It knows no answers."""
