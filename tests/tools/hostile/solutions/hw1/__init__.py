"""Reference answers of the notebook under attack. ``@CANARY@`` stands for the secret that must not get out."""

SECRET = "@CANARY@"
