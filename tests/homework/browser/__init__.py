"""The student's and the instructor's day in JupyterLab, in headless Chromium."""
